// SPDX-License-Identifier: Apache-2.0
/**
 * one-way.ts - what a connection's record shows about a direction without packets.
 *
 * In:    trace records with Weir's extension, of TCP connections at a pod's interface.
 * Out:   the direction that must have had packets and shows none; keys that join the records of one connection.
 *
 * A host acknowledges only what it received. If one side completed the handshake and the other side's acknowledgements
 * were never seen, then these packets took another path than the interface's hook, such as bpf_redirect_peer().
 */
import { hash5 } from '../../lib/hash.js'
import { Direction, State } from '../record/abi.js'
import type { TraceRecord } from '../record/trace-record.js'

const FIN = 0x01
const SYN = 0x02
const RST = 0x04
const PSH = 0x08
const ACK = 0x10

/** No direction. */
export const NONE = -1
/** Hashes have 24 bits, so two of them fit a number exactly. */
export const HASH_VALUES = 2 ** 24

export type Way = (typeof Direction)[keyof typeof Direction] | typeof NONE

/** The direction whose packets were missed, by the TCP flags of a handshake. */
export function missingByFlags(record: TraceRecord): Way {
  // Data of an established connection updates no flags (bpf/track.h), so an empty direction shows nothing there.
  if (record.state === State.established) return NONE
  const { aToB, bToA } = Direction
  const [a, b] = [record.seen(aToB), record.seen(bToA)]
  if (wasAnswered(a, b, record.initiator === aToB)) return bToA
  return wasAnswered(b, a, record.initiator === bToA) ? aToB : NONE
}

/**
 * Whether the side that sent `flags` must have received an acknowledgement, and `reverse` has none. The initiator's own
 * ACK acknowledges a SYN-ACK. The other side repeats its SYN-ACK also to a peer that never answers, so only data or a FIN
 * after it count. A reset without either may end an attempt that got no answer.
 */
function wasAnswered(flags: number, reverse: number, isInitiator: boolean): boolean {
  if ((flags & (SYN | ACK)) !== (SYN | ACK) || reverse & ACK) return false
  const continued = (flags & (PSH | FIN)) !== 0
  return continued || (isInitiator && (flags & RST) === 0)
}

/** The only direction with packets so far; NONE if both have some, or the connection is established, as above. */
export function onlyDirection(record: TraceRecord): Way {
  const { aToB, bToA } = Direction
  if (record.state === State.established) return NONE
  if (record.seen(bToA) === 0) return aToB
  return record.seen(aToB) === 0 ? bToA : NONE
}

/** The only direction with packets since the connection's last report; NONE if both or neither have some. */
export function onlyCarried(record: TraceRecord): Way {
  const { aToB, bToA } = Direction
  const sent = record.carried(aToB)
  if (sent === record.carried(bToA)) return NONE
  return sent ? aToB : bToA
}

/** The same for both orders of the two sides: a pod that forwards a packet has it once in each order. */
export function connectionKey(record: TraceRecord): number {
  const a = ownKey(record)
  const b = sideKey(record, record.bAt, record.bPort)
  return Math.min(a, b) * HASH_VALUES + Math.max(a, b)
}

/**
 * Address and port of the interface's own side, which identify a connection that it opened. The peer's address may differ
 * by direction: a program after Weir's may translate a Service's address.
 */
export function ownKey(record: TraceRecord): number {
  return sideKey(record, record.aAt, record.aPort)
}

function sideKey({ view }: TraceRecord, at: number, port: number): number {
  return hash5(
    view.getUint32(at, true),
    view.getUint32(at + 4, true),
    view.getUint32(at + 8, true),
    view.getUint32(at + 12, true),
    port,
  )
}
