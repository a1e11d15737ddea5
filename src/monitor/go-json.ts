// SPDX-License-Identifier: Apache-2.0
/**
 * go-json.ts - JSON as Go's encoding/json writes it: `<`, `>` and `&` escaped, 64-bit integers as plain numbers.
 *
 * In:    plain objects; keys keep their order, undefined values are omitted.
 */

import { plainJson } from '../lib/plain-text.js'

export type Json = string | number | bigint | undefined | { readonly [key: string]: Json }

export function goJson(value: Exclude<Json, undefined>): string {
  if (typeof value === 'string') return plainJson(escapeHtml(JSON.stringify(value)))
  if (typeof value !== 'object') return String(value)
  const members = Object.entries(value).flatMap(([key, member]) =>
    member === undefined ? [] : [`${goJson(key)}:${goJson(member)}`],
  )
  return `{${members.join(',')}}`
}

function escapeHtml(json: string): string {
  return json.replace(/[<>&]/g, character => `\\u00${character.charCodeAt(0).toString(16)}`)
}
