// SPDX-License-Identifier: Apache-2.0
/**
 * header.ts - which request headers can be sent (RFC 9110, as node:http enforces it).
 */

export function isHeaderName(text: string): boolean {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(text)
}

/** One line of Latin-1 text. */
export function isHeaderValue(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text)
}
