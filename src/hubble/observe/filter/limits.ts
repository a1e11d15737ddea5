// SPDX-License-Identifier: Apache-2.0
/**
 * limits.ts - limits the number and size of filters, because a server compiles those of any client.
 *
 * Fail:  throws an Error that names the limit.
 */
import { check } from './check.js'
import { checkExpressions } from './expression.js'
import type { FlowFilter } from './flow-filter.js'

/** In the allow list and the deny list together. */
const MAX_FILTERS = 100
const MAX_VALUES = 2000
/** Characters of all values. */
const MAX_TEXT = 65_536
/** Characters of a value; a label selector may be as long. */
const MAX_VALUE = 2048
/** A label selector's requirements, or a list's values. */
const MAX_COMMAS = 100

export function checkLimits(allow: readonly FlowFilter[], deny: readonly FlowFilter[]): void {
  const filters = [...allow, ...deny]
  check('filters', filters.length, MAX_FILTERS)
  const values = filters.flatMap(filter => Object.values(filter).flatMap(list => (Array.isArray(list) ? list : [])))
  check('values in all filters', values.length, MAX_VALUES)
  const texts = values.flatMap(textsOf)
  for (const text of texts) checkText(text)
  check(
    'characters in all filters',
    texts.reduce((sum, text) => sum + text.length, 0),
    MAX_TEXT,
  )
  checkExpressions(
    filters.flatMap(({ http_path = [], http_url = [], dns_query = [] }) => [...http_path, ...http_url, ...dns_query]),
  )
}

function checkText(text: string): void {
  check('characters in a filter value', text.length, MAX_VALUE)
  let commas = 0
  for (let at = text.indexOf(','); at >= 0; at = text.indexOf(',', at + 1)) commas++
  check('commas in a filter value', commas, MAX_COMMAS)
}

/** The texts of a value: itself, or the fields of a workload, header or interface. */
function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).filter(field => typeof field === 'string')
}
