// SPDX-License-Identifier: Apache-2.0
/**
 * redact.ts - removes credentials from text that a peer sent: servers and proxies echo requests in their errors.
 */

const HIDDEN = '***'
/** A shorter secret would remove ordinary words. */
const MIN_LENGTH = 6
/** `Bearer TOKEN`, `Basic CREDENTIALS`, and a JSON web token anywhere. */
const CREDENTIALS = /\b(Bearer|Basic)\s+[\w.~+/=-]+|\beyJ[\w-]+\.[\w-]+\.?[\w-]*/gi

/** `headers`: of the request; their values are secrets, with and without their scheme. */
export function redacted(text: string, headers: Readonly<Record<string, string>>): string {
  const secrets = Object.values(headers).flatMap(partsOf)
  const longestFirst = secrets.filter(secret => secret.length >= MIN_LENGTH).sort((a, b) => b.length - a.length)
  const shown = longestFirst.reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text)
  return shown.replace(CREDENTIALS, (_, scheme?: string) => (scheme === undefined ? HIDDEN : `${scheme} ${HIDDEN}`))
}

/** The value, its credentials without the scheme, and the password of basic credentials. */
function partsOf(value: string): string[] {
  const [, scheme = '', credentials] = /^(\w+)\s+(.+)$/.exec(value) ?? []
  if (credentials === undefined) return [value]
  const decoded = scheme.toLowerCase() === 'basic' ? Buffer.from(credentials, 'base64').toString() : ''
  return [value, credentials, decoded, decoded.slice(decoded.indexOf(':') + 1)]
}
