// SPDX-License-Identifier: Apache-2.0
/**
 * mask.ts - field masks: reduces a flow to the fields that a client asks for.
 *
 * In:    paths of proto field names, `source.namespace`; the field names of each message.
 * Out:   a copy with only those fields. A message on the path to a field is present even when the flow lacks it, as in
 *        Hubble's answers (cilium/cilium pkg/hubble/parser/fieldmask).
 * Fail:  an Error that names a path that is not a field.
 */
import type { Flow } from '../flow/flow.js'
import type { Api } from './proto.js'

type Fields = Readonly<Record<string, unknown>>
/** By field name; an empty mask keeps the whole field. */
interface Mask extends Map<string, Mask> {}

/** A flow has some 150 fields. */
const MAX_PATHS = 500

/** Undefined when there are no paths: a flow keeps all fields. */
export function compileMask(paths: readonly string[], fields: Api['fields']): ((flow: Flow) => Flow) | undefined {
  if (paths.length === 0) return undefined
  if (paths.length > MAX_PATHS) throw new Error(`field mask: ${paths.length} paths; allowed: at most ${MAX_PATHS}`)
  const mask: Mask = new Map()
  // Shorter paths first: `source` includes `source.namespace`.
  for (const path of [...paths].sort((a, b) => a.length - b.length)) {
    check(path, fields)
    add(mask, path.split('.'))
  }
  return flow => masked(flow as Fields, mask) as Flow
}

function check(path: string, fields: Api['fields']): void {
  let message = 'Flow'
  for (const name of path.split('.')) {
    const type = message === '' || message.includes('.') ? undefined : fields(`flow.${message}`).get(name)
    if (type === undefined) throw new Error(`field mask: '${path}' is not a field of a flow`)
    message = type
  }
}

function add(mask: Mask, [name = '', ...rest]: string[]): void {
  const known = mask.get(name)
  if (known?.size === 0) return
  const inner: Mask = known ?? new Map()
  mask.set(name, inner)
  if (rest.length > 0) add(inner, rest)
}

function masked(from: Fields, mask: Mask): Fields {
  const to: Record<string, unknown> = {}
  for (const [name, inner] of mask) {
    const value = from[name]
    if (inner.size > 0) to[name] = masked((value ?? {}) as Fields, inner)
    else if (value !== undefined) to[name] = value
  }
  return to
}
