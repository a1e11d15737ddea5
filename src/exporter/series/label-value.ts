// SPDX-License-Identifier: Apache-2.0
/**
 * label-value.ts - label values as they can be exposed: valid UTF-8, and escaped between quotes.
 */

/**
 * Replaces unpaired surrogates, which have no UTF-8 form, by U+FFFD. Done before the value becomes a key: later, two
 * series could be exposed under one name.
 */
export function cleanLabel(value: string): string {
  return Buffer.from(value).toString()
}

const ESCAPED = /[\\"\n]/

/** Escapes backslash, quote and line feed, in both formats. Few values have one, so test first. */
export function escapeLabel(value: string): string {
  if (!ESCAPED.test(value)) return value
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
