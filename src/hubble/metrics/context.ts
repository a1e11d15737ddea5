// SPDX-License-Identifier: Apache-2.0
/**
 * context.ts - compiles a metric's context options to label names and a function from a flow to label values.
 *
 * In:    options of a metric (sourceContext, ..., labelsContext), in any letter case.
 * Out:   labels in Hubble's order: those of labelsContext in the fixed order below, then source, then destination.
 * Fail:  a ConfigError names the unknown identifier or label.
 */
import type { Flow } from '../flow/flow.js'
import { ConfigError, type OptionConfig, oneOf, unknownWord } from './config.js'
import {
  appOf,
  IDENTIFIERS,
  type Identifier,
  identify,
  keyFieldsOf,
  type Side,
  workloadKind,
  workloadName,
} from './identifier.js'
import { KeyField } from './key-fields.js'

export const CONTEXT_OPTIONS = [
  'sourceContext',
  'sourceEgressContext',
  'sourceIngressContext',
  'destinationContext',
  'destinationEgressContext',
  'destinationIngressContext',
  'labelsContext',
] as const
export type ContextOption = (typeof CONTEXT_OPTIONS)[number]

type Read = (flow: Flow) => string

export interface Context {
  readonly labels: readonly string[]
  /** KeyField bits. */
  readonly keyFields: number
  /** By label: the identifiers that can fill it. A label of labelsContext has itself. */
  readonly identifiers: Readonly<Record<string, readonly string[]>>
  /** Values in the order of `labels`; any may be empty. */
  values(flow: Flow): string[]
}

const ENDPOINT_LABELS: Readonly<Record<string, (side: Side) => Read>> = {
  ip: side => identify('ip', side),
  pod: side => identify('pod-name', side),
  namespace: side => identify('namespace', side),
  workload: side => flow => workloadName(flow[side] ?? {}),
  workload_kind: side => flow => workloadKind(flow[side] ?? {}),
  app: side => flow => appOf(flow[side] ?? {}),
}

const SIDES = ['source', 'destination'] as const

/** All labels that labelsContext can name, in the order of the exposition. */
const LABELS: ReadonlyMap<string, Read> = new Map([
  ...SIDES.flatMap(side =>
    Object.entries(ENDPOINT_LABELS).map(([name, read]) => [`${side}_${name}`, read(side)] as const),
  ),
  ['traffic_direction', flow => flow.traffic_direction?.toString().toLowerCase() ?? 'unknown'] as const,
])

/** `where` is the metric's name in errors. `options` holds names of CONTEXT_OPTIONS only. */
export function compileContext(where: string, options: readonly OptionConfig[]): Context {
  const given = new Map<ContextOption, readonly string[]>()
  for (const { name, values } of options) {
    const option = oneOf(where, 'option', name, CONTEXT_OPTIONS)
    if (given.has(option)) throw new ConfigError(`${where}: ${option} is given twice`)
    given.set(option, values)
  }
  const picked = labelsContext(where, given.get('labelsContext'))
  const reads = picked.map(label => LABELS.get(label)!)
  const identifiers: Record<string, readonly string[]> = Object.fromEntries(picked.map(label => [label, [label]]))
  let keyFields = picked.reduce((sum, label) => sum | labelKeyFields(label), 0)
  for (const side of SIDES) {
    const compiled = compileSide(where, side, given)
    if (compiled === undefined) continue
    reads.push(compiled.read)
    identifiers[side] = compiled.identifiers
    keyFields |= compiled.keyFields
  }
  return { labels: Object.keys(identifiers), keyFields, identifiers, values: flow => reads.map(read => read(flow)) }
}

function labelsContext(where: string, wanted: readonly string[] | undefined): string[] {
  const all = [...LABELS.keys()]
  if (wanted === undefined) return []
  if (wanted.length === 0) throw unknownWord(`${where}: labelsContext`, 'label', '', all)
  for (const label of wanted) if (!LABELS.has(label)) throw unknownWord(`${where}: labelsContext`, 'label', label, all)
  return all.filter(label => wanted.includes(label))
}

function labelKeyFields(label: string): number {
  if (label === 'traffic_direction') return KeyField.direction
  const side = label.startsWith('source_') ? KeyField.source : KeyField.destination
  return label.endsWith('_ip') ? side | KeyField.address : side
}

interface CompiledSide {
  readonly read: Read
  readonly keyFields: number
  readonly identifiers: readonly Identifier[]
}

/** The label `source` or `destination`; undefined if no option sets it. */
function compileSide(
  where: string,
  side: Side,
  given: ReadonlyMap<ContextOption, readonly string[]>,
): CompiledSide | undefined {
  const list = (option: ContextOption) => {
    const words = given.get(option)
    if (words?.length === 0) throw unknownWord(`${where}: ${option}`, 'context', '', IDENTIFIERS)
    return words?.map(word => oneOf(`${where}: ${option}`, 'context', word, IDENTIFIERS))
  }
  const [plain, egress, ingress] = [list(`${side}Context`), list(`${side}EgressContext`), list(`${side}IngressContext`)]
  if (plain === undefined && egress === undefined && ingress === undefined) return undefined
  const identifiers = [...(plain ?? []), ...(egress ?? []), ...(ingress ?? [])]
  const keyFields = identifiers.reduce((sum, identifier) => sum | keyFieldsOf(identifier, side), 0)
  const other = firstOf(plain ?? [], side)
  if (egress === undefined && ingress === undefined) return { read: other, keyFields, identifiers }
  const read = byDirection(egress ? firstOf(egress, side) : other, ingress ? firstOf(ingress, side) : other, other)
  return { read, keyFields: keyFields | KeyField.direction, identifiers }
}

/** The first name that is not empty. */
function firstOf(identifiers: readonly Identifier[], side: Side): Read {
  const reads = identifiers.map(identifier => identify(identifier, side))
  if (reads.length === 1) return reads[0]!
  return flow => {
    for (const read of reads) {
      const name = read(flow)
      if (name !== '') return name
    }
    return ''
  }
}

function byDirection(egress: Read, ingress: Read, other: Read): Read {
  return flow => {
    if (flow.traffic_direction === 'EGRESS') return egress(flow)
    return flow.traffic_direction === 'INGRESS' ? ingress(flow) : other(flow)
  }
}
