// SPDX-License-Identifier: Apache-2.0
/**
 * pair-columns.ts - the columns of a pair's cache entry: which series each one stands for.
 *
 * In:    a column, and the pair's reporter, verdict and protocol.
 * Out:   the family of the column and the values of its own labels.
 */
import type { FlowName } from '../catalog/flow-catalog.js'
import { KEY } from './cache.js'

const FLAGS = ['SYN', 'SYN-ACK', 'FIN', 'RST'] as const

/** Why a connection closed, in the order of its columns. */
export const CloseReason = { fin: 0, reset: 1, timeout: 2 } as const
const CLOSE_REASONS = ['fin', 'reset', 'timeout'] as const

/** Cells of an entry after its key: one slot each, looked up on first use. */
export const Column = {
  packets: KEY,
  bytes: KEY + 1,
  size: KEY + 2,
  flags: KEY + 3,
  opened: KEY + 7,
  closed: KEY + 8,
  active: KEY + 11,
  handshake: KEY + 12,
  duration: KEY + 13,
  transferred: KEY + 14,
  open: KEY + 15,
  interZone: KEY + 16,
} as const
export const WIDTH = KEY + 17

/** A flow family and the values of its own labels. */
export interface ColumnSeries {
  readonly family: FlowName
  readonly own: readonly string[]
}

/** `column`: any but `open` and `interZone`, which do not depend on the pair's own labels. */
export function seriesOf(column: number, reporter: string, verdict: string, protocol: string): ColumnSeries {
  if (column === Column.packets) return { family: 'flowPackets', own: [reporter, verdict, protocol] }
  if (column === Column.bytes) return { family: 'flowBytes', own: [reporter, verdict, protocol] }
  if (column === Column.size) return { family: 'packetSize', own: [reporter] }
  if (column < Column.opened) return { family: 'tcpFlags', own: [reporter, FLAGS[column - Column.flags]!] }
  if (column === Column.opened) return { family: 'connectionsOpened', own: [reporter, protocol] }
  if (column < Column.active) {
    return { family: 'connectionsClosed', own: [reporter, protocol, CLOSE_REASONS[column - Column.closed]!] }
  }
  if (column === Column.active) return { family: 'connectionsActive', own: [reporter, protocol] }
  if (column === Column.handshake) return { family: 'tcpHandshake', own: [reporter] }
  if (column === Column.duration) return { family: 'connectionDuration', own: [reporter] }
  return { family: 'connectionBytes', own: [reporter] }
}
