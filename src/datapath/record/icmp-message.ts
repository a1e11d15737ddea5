// SPDX-License-Identifier: Apache-2.0
/**
 * icmp-message.ts - the ICMP message of a connection, from the ports of Weir's record.
 *
 * In:    a trace record with Weir's extension and protocol ICMP or ICMPv6; bpf/parse.h fills its ports.
 * Out:   type << 8 | code, as in the first two bytes of an ICMP header.
 */
import { Direction, State } from './abi.js'
import { IcmpType } from './protocol.js'
import type { TraceRecord } from './trace-record.js'

/**
 * HOT: the message sent in `direction`. Guard: benches `reduce`, `reduce-workload`.
 *
 * An echo request has its id in the sender's port, and its type and code in the receiver's; its reply is the same
 * connection in the reverse direction. Any other message has its type and code in the receiver's port.
 */
export function icmpMessage(record: TraceRecord, direction: number): number {
  const forward = direction === Direction.aToB
  const isRequest = direction === record.initiator || record.state === State.related
  if (isRequest) return forward ? record.bPort : record.aPort
  return replyTo(forward ? record.aPort : record.bPort)
}

/** The reply to an echo request; any other message is returned as is. */
function replyTo(request: number): number {
  const type = request >> 8
  const code = request & 0xff
  if (type === IcmpType.echo) return (IcmpType.echoReply << 8) | code
  return type === IcmpType.echo6 ? (IcmpType.echoReply6 << 8) | code : request
}
