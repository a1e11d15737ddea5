/**
 * pair-table.ts - a table of who does something with whom: four columns of ends, what else tells rows apart, and a value.
 */
import type { ENDPOINT_LABELS } from '../src/exporter/catalog/flow-catalog.js'
import type { Columns, Panel } from './panel.js'

type Table = Extract<Panel, { kind: 'table' }>

const END_COLUMNS: Readonly<Record<(typeof ENDPOINT_LABELS)[number], string>> = {
  source_namespace: 'From namespace',
  source_workload: 'From workload',
  destination_namespace: 'To namespace',
  destination_workload: 'To workload',
}

/** `expr` has the labels of both ends, and those of `others`. */
export function pairTable({
  expr,
  others = {},
  value,
  ...rest
}: Omit<Table, 'kind' | 'targets' | 'columns'> & {
  readonly expr: string
  readonly others?: Columns
  /** The heading of the value. */
  readonly value: string
}): Table {
  return { ...rest, kind: 'table', targets: [{ expr }], columns: { ...END_COLUMNS, ...others, Value: value } }
}
