/**
 * weir-records.ts - records of Weir's own datapath from the fields that a test sets.
 *
 * In:    fields; those left out are 0.
 * Out:   bytes in the layout of bpf/weir.h (test/datapath/record/abi.test.ts compares abi.ts with it).
 */
import { DROP, HDR, Notify, TRACE, TRANSLATED, WEIR_DROP, WEIR_EXT, WEIR_TRACE } from '../../src/datapath/record/abi.js'
import { parseAddress } from '../../src/lib/address.js'

/** A packed counter is packets << 40 | bytes. */
const PACKETS_SHIFT = 40n
const SIZE_CLASSES = 8

export interface TraceFields {
  readonly a: string
  readonly b: string
  readonly proto: number
  readonly aPort?: number
  readonly bPort?: number
  readonly aEntity?: number
  readonly bEntity?: number
  /** Identities of the captured packet's source and destination. */
  readonly srcLabel?: number
  readonly dstLabel?: number
  readonly hook?: number
  readonly initiator?: number
  readonly direction?: number
  readonly state?: number
  readonly timedOut?: boolean
  readonly ifindex?: number
  /** OR of the TCP flags of each direction. */
  readonly seen?: readonly [number, number]
  /** Direction, size class, packets, bytes. */
  readonly counts?: readonly (readonly [number, number, number, number])[]
  /** SYN, SYN-ACK, FIN and RST of each direction. */
  readonly flags?: readonly [readonly number[], readonly number[]]
  /** Connections opened, adopted, closed by FIN, reset. */
  readonly events?: readonly number[]
  readonly handshakeNs?: number
  readonly durationNs?: number
  readonly closedBytes?: number
  /** Entity of the Service that was asked for. */
  readonly service?: number
  /** The extension's addresses are not those of the packet. */
  readonly translated?: boolean
}

export interface DropFields {
  readonly src: string
  readonly dst: string
  readonly proto: number
  readonly reason: number
  readonly packets: number
  readonly bytes: number
  readonly srcEntity?: number
  readonly dstEntity?: number
  readonly srcLabel?: number
  readonly dstLabel?: number
}

/** A trace record without a packet, as a flush makes it. */
export function traceRecord(fields: TraceFields): Buffer {
  const bytes = Buffer.alloc(TRACE.size + WEIR_TRACE.size)
  const ext = bytes.subarray(TRACE.size)
  header(bytes, Notify.trace, 2)
  bytes.writeUInt32LE(fields.srcLabel ?? 0, TRACE.srcLabel)
  bytes.writeUInt32LE(fields.dstLabel ?? 0, TRACE.dstLabel)
  ext.set(parseAddress(fields.a), WEIR_TRACE.a)
  ext.set(parseAddress(fields.b), WEIR_TRACE.b)
  ext.writeUInt32LE(fields.aEntity ?? 0, WEIR_TRACE.aEntity)
  ext.writeUInt32LE(fields.bEntity ?? 0, WEIR_TRACE.bEntity)
  ext.writeUInt16LE(fields.aPort ?? 0, WEIR_TRACE.aPort)
  ext.writeUInt16LE(fields.bPort ?? 0, WEIR_TRACE.bPort)
  for (const name of ['proto', 'hook', 'initiator', 'direction', 'state'] as const)
    ext[WEIR_TRACE[name]] = fields[name] ?? 0
  ext.writeUInt32LE(((fields.service ?? 0) | (fields.translated ? TRANSLATED : 0)) >>> 0, WEIR_TRACE.service)
  ext[WEIR_TRACE.timedOut] = fields.timedOut ? 1 : 0
  ext.set(fields.seen ?? [0, 0], WEIR_TRACE.seen)
  bytes.writeUInt32LE(fields.ifindex ?? 0, TRACE.ifindex)
  for (const [direction, size, packets, octets] of fields.counts ?? []) {
    const packed = (BigInt(packets) << PACKETS_SHIFT) | BigInt(octets)
    ext.writeBigUInt64LE(packed, WEIR_TRACE.packed + 8 * (direction * SIZE_CLASSES + size))
  }
  for (const [direction, lanes] of (fields.flags ?? []).entries()) {
    for (const [lane, n] of lanes.entries()) ext.writeUInt16LE(n, WEIR_TRACE.tcpFlags + 8 * direction + 2 * lane)
  }
  for (const [lane, n] of (fields.events ?? []).entries()) ext.writeUInt16LE(n, WEIR_TRACE.events + 2 * lane)
  for (const name of ['handshakeNs', 'durationNs', 'closedBytes'] as const) {
    ext.writeBigUInt64LE(BigInt(fields[name] ?? 0), WEIR_TRACE[name])
  }
  return bytes
}

/** A drop record without a packet, as a flush makes it. */
export function dropRecord(fields: DropFields): Buffer {
  const bytes = Buffer.alloc(DROP.size + WEIR_DROP.size)
  const ext = bytes.subarray(DROP.size)
  header(bytes, Notify.drop, 3)
  bytes.writeUInt32LE(fields.srcLabel ?? 0, DROP.srcLabel)
  bytes.writeUInt32LE(fields.dstLabel ?? 0, DROP.dstLabel)
  ext.writeBigUInt64LE(BigInt(fields.packets), WEIR_DROP.packets)
  ext.writeBigUInt64LE(BigInt(fields.bytes), WEIR_DROP.bytes)
  ext.set(parseAddress(fields.src), WEIR_DROP.src)
  ext.set(parseAddress(fields.dst), WEIR_DROP.dst)
  ext.writeUInt32LE(fields.srcEntity ?? 0, WEIR_DROP.srcEntity)
  ext.writeUInt32LE(fields.dstEntity ?? 0, WEIR_DROP.dstEntity)
  ext.writeUInt32LE(fields.reason, WEIR_DROP.reason)
  ext[WEIR_DROP.proto] = fields.proto
  return bytes
}

function header(bytes: Buffer, type: number, version: number): void {
  bytes[HDR.type] = type
  bytes[HDR.version] = version
  bytes[HDR.extVersion] = WEIR_EXT
}
