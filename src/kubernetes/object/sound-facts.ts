// SPDX-License-Identifier: Apache-2.0
/**
 * sound-facts.ts - checks the types of an object's facts.
 *
 * In:    facts made from JSON that may hold anything: an aggregated API server, a proxy or a bug sends a number as a name.
 * Fail:  throws a TypeError that names the field. A wrong type would otherwise end a thread far from here.
 */

/** Largest value by field. */
const NUMBERS: ReadonlyMap<string, number> = new Map([
  ['started', Number.MAX_SAFE_INTEGER],
  ['created', Number.MAX_SAFE_INTEGER],
  ['identity', 0xffff_ffff],
  ['endpoint', 0x7fff_ffff],
  ['port', 0xffff],
])
const FLAGS: ReadonlySet<string> = new Set(['terminating'])
const LABELS = 'labels'
const LISTS: ReadonlySet<string> = new Set(['ips', 'uids', 'gateways', 'prefixes', 'ports', LABELS])
/** The facts themselves have no field name. */
const MAPS: ReadonlySet<string> = new Set(['', 'workload', 'hubble', 'ports[]', LABELS])

/** Facts, or a part of them: every field is a text unless its name is in NUMBERS or FLAGS. */
export function checkFacts(value: unknown, field = ''): void {
  if (value === undefined) return
  if (Array.isArray(value) && LISTS.has(field)) for (const each of value) checkFacts(each, `${field}[]`)
  else if (isMap(value) && MAPS.has(field)) checkFields(value, field)
  else if (!isSound(value, field)) {
    throw new TypeError(`${field}: unexpected ${value === null ? 'null' : typeof value}`)
  }
}

/** Keys of a map of labels are anything. */
function checkFields(fields: object, field: string): void {
  // Facts are object literals and JSON: nothing is inherited. Object.entries() would allocate for each pod of a cluster.
  for (const name in fields) {
    checkFacts((fields as Record<string, unknown>)[name], field === LABELS ? `${LABELS}.${name}` : name)
  }
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSound(value: unknown, field: string): boolean {
  const most = NUMBERS.get(field)
  if (most !== undefined) return Number.isSafeInteger(value) && (value as number) <= most
  return typeof value === (FLAGS.has(field) ? 'boolean' : 'string')
}
