// SPDX-License-Identifier: Apache-2.0
/**
 * shown-url.ts - a URL as it may be shown in logs and errors: without the secrets that URLs often carry.
 *
 * In:    any text that was meant to be a URL.
 * Out:   the text with `***` in place of user, password, and the values of a query.
 */

const HIDDEN = '***'

export function shownUrl(text: string): string {
  const [address = '', ...query] = text.replace(/#.*$/s, '').split('?')
  // Up to the last @: in a malformed URL, a password may contain any character.
  const shown = address.replace(/^([a-z][a-z0-9+.-]*:\/*)?.*@/is, `$1${HIDDEN}@`)
  return query.length === 0 ? shown : `${shown}?${query.join('?').replace(/=[^&]*/g, `=${HIDDEN}`)}`
}
