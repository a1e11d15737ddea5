/**
 * pair-table.ts - a table by workload pair: four columns for source and destination, further labels, and a value.
 */
import type { ENDPOINT_LABELS } from '../src/exporter/catalog/flow-catalog.js'
import type { Columns, Panel } from './panel.js'

type Table = Extract<Panel, { kind: 'table' }>

const ENDPOINT_COLUMNS: Readonly<Record<(typeof ENDPOINT_LABELS)[number], string>> = {
  source_namespace: 'From namespace',
  source_workload: 'From workload',
  destination_namespace: 'To namespace',
  destination_workload: 'To workload',
}

/** `expr` has the labels of source and destination, and those of `others`. */
export function pairTable({
  expr,
  others = {},
  value,
  ...rest
}: Omit<Table, 'kind' | 'targets' | 'columns'> & {
  readonly expr: string
  readonly others?: Columns
  /** Heading of the value column. */
  readonly value: string
}): Table {
  return { ...rest, kind: 'table', targets: [{ expr }], columns: { ...ENDPOINT_COLUMNS, ...others, Value: value } }
}
