// SPDX-License-Identifier: Apache-2.0
/**
 * plain-text.ts - text from outside as a terminal or a log may show it: without control characters.
 *
 * In:    names, messages and errors of files, servers, the kernel and the cluster.
 * Out:   `^[` for ESC and `\r`, `\n`, `\t` by name, as Hubble and C write them; other control characters in caret notation; C1 controls (U+009B
 *        starts an escape sequence too), line separators and marks that reorder text as `\u009b`.
 */

/** C0, DEL, C1, line and paragraph separator, and the marks that change the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/
const ALL_CONTROLS = new RegExp(CONTROLS, 'g')
/** Those that JSON.stringify() does not escape. */
const NOT_IN_JSON = /[\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g
const NAMED: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\x7f', '^?'],
])
/** `^A` is U+0001. */
const CARET = 0x40

/** One line. HOT: each line of `observe`; most have no control character. */
export function plainText(text: string): string {
  return CONTROLS.test(text) ? text.replace(ALL_CONTROLS, shown) : text
}

/** Escapes in JSON what JSON.stringify() leaves; the value stays the same. */
export function plainJson(json: string): string {
  return json.replace(NOT_IN_JSON, codePoint)
}

export function hasControls(text: string): boolean {
  return CONTROLS.test(text)
}

function shown(char: string): string {
  const code = char.charCodeAt(0)
  return NAMED.get(char) ?? (code < 0x20 ? `^${String.fromCharCode(code + CARET)}` : codePoint(char))
}

function codePoint(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
}
