// SPDX-License-Identifier: Apache-2.0
/**
 * packet-text.ts - the packet of a record: its bytes, and its long form for `verbose`.
 *
 * Out:   one line per header and notes about truncation and decode errors, or a hex dump.
 */
import type { RecordWindow } from '../datapath/record/decode.js'
import { hexDump } from './hex-dump.js'
import { Span } from './layers/span.js'
import { dissect, type PacketKind, type Walk } from './layers/walk.js'

export function packetOf(record: RecordWindow): Span {
  return new Span(record.view, record.packetAt, record.packetLength)
}

export function packetText(packet: Span, kind: PacketKind, hex: boolean): string {
  if (hex) return hexDump(packet)
  if (packet.length === 0) return ''
  const { outer, inner } = dissect(packet, kind)
  return walkText(outer) + (inner === undefined ? '' : walkText(inner))
}

function walkText({ layers, truncated, error }: Walk): string {
  const lines = layers.map(layer => layer.dump())
  if (truncated) lines.push('  Packet has been truncated')
  if (error !== undefined) lines.push(`  Failed to decode layer: ${error}`)
  return lines.map(line => `${line}\n`).join('')
}
