// SPDX-License-Identifier: Apache-2.0
/**
 * peers.ts - source and destination of a record without a packet, from Weir's extension.
 *
 * In:    a record with hasExtension; flush records have no packet.
 */
import { Direction } from '../datapath/record/abi.js'
import type { DropRecord, TraceRecord } from '../datapath/record/decode.js'
import { isIcmp, Protocol } from '../datapath/record/protocol.js'
import { formatAddress } from '../lib/address.js'
import { peersText } from './connection.js'
import type { Flow } from './layers/layer.js'
import { tcpFlagsText } from './layers/tcp.js'

/** Protocols with ports, by their names in a summary. */
const WITH_PORTS: Readonly<Record<number, string>> = {
  [Protocol.tcp]: 'tcp',
  [Protocol.udp]: 'udp',
  [Protocol.sctp]: 'sctp',
}

export interface Peers {
  readonly l3: Flow
  readonly l4?: Flow
  /** In the form of a packet's summary; the TCP flags are all that were seen in this direction. */
  readonly text: string
}

export function tracePeers(record: TraceRecord): Peers {
  const a = { at: record.aAt, port: record.aPort }
  const b = { at: record.bAt, port: record.bPort }
  const [src, dst] = record.direction === Direction.aToB ? [a, b] : [b, a]
  const l3 = { src: formatAddress(record.bytes, src.at), dst: formatAddress(record.bytes, dst.at) }
  const flags = record.proto === Protocol.tcp ? record.seen(record.direction) : 0
  return peers(l3, { src: String(src.port), dst: String(dst.port) }, record.proto, flags)
}

export function dropPeers(record: DropRecord): Peers {
  const l3 = { src: formatAddress(record.bytes, record.srcAt), dst: formatAddress(record.bytes, record.dstAt) }
  return peers(l3, { src: String(record.srcPort), dst: String(record.dstPort) }, record.proto, 0)
}

function peers(l3: Flow, l4: Flow, protocol: number, flags: number): Peers {
  const name = WITH_PORTS[protocol]
  if (name === undefined) return { l3, text: `${l3.src} -> ${l3.dst}${isIcmp(protocol) ? ' icmp' : ''}` }
  const detail = protocol === Protocol.tcp ? `tcp ${tcpFlagsText(flags)}` : name
  return { l3, l4, text: `${peersText(l3, l4)} ${detail}` }
}
