// SPDX-License-Identifier: Apache-2.0
/**
 * hex-dump.ts - a hex dump, sixteen bytes per line: offset, hex in two groups, printable ASCII between bars.
 */
import type { Span } from './layers/span.js'

const LINE = 16
const GROUP = 8
/** Characters: two digits and a space per byte, and a space between the groups. */
const WIDTH = LINE * 3 + 1

export function hexDump(data: Span): string {
  const bytes = data.bytes()
  let text = ''
  for (let at = 0; at < bytes.length; at += LINE) text += line(bytes.subarray(at, at + LINE), at)
  return text
}

function line(bytes: Uint8Array, at: number): string {
  const hex = [...bytes]
    .map((byte, i) => `${byte.toString(16).padStart(2, '0')}${i === GROUP - 1 ? '  ' : ' '}`)
    .join('')
  const ascii = [...bytes].map(byte => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
  return `${at.toString(16).padStart(8, '0')}  ${hex.padEnd(WIDTH)} |${ascii}|\n`
}
