/**
 * record-model.ts - generated records, each with the flow and the monitor line that follow from the generated values.
 *
 * Out:   GeneratedRecord, and what the generators of trace, drop and verdict records share. The flow has no time, uuid, emitter
 *        and node_name, which differ from run to run, and no endpoints, services and names.
 *        Rules: cilium/cilium pkg/hubble/parser/threefour/parser.go, pkg/monitor/datapath_{trace,drop,policy}.go, 1.19.
 */
import fc from 'fast-check'
import type { Flow } from '../../src/hubble/flow/flow.js'
import { type GeneratedPacket, plainPacket, tunnelled } from './packet-model.js'

export interface GeneratedRecord {
  readonly record: Buffer
  readonly flow: Flow
  /** The identities in the record; 0 if it has none. */
  readonly identities: readonly [source: number, destination: number]
  /** The line of `cilium monitor`. */
  readonly line: string
}

/** Endpoint ids. Endpoint 7 has the addresses 10.0.0.1 and fd00::1. */
const EMITTERS = [0, 7, 8, 4711]
const IDENTITIES = [0, 1, 2, 7, 11, 1001, 1002, 16_777_217, 33_554_433]
export const TRACE_IDS = [0n, 1n, 2n ** 53n + 1n, 2n ** 64n - 1n]
export const REASON_NAMES: Readonly<Record<number, string>> = { 133: 'POLICY_DENIED', 181: 'POLICY_DENY' }

export const packets = fc.oneof({ weight: 3, arbitrary: plainPacket }, tunnelled)
export const emitter = fc.constantFrom(...EMITTERS)
export const identity = fc.constantFrom(...IDENTITIES)
/** The flags of a trace or drop record with this packet. */
export const recordFlags = ({ ipv6, l3Device, vxlan, geneve }: GeneratedPacket) =>
  (ipv6 ? 1 : 0) | (l3Device ? 2 : 0) | (vxlan ? 4 : 0) | (geneve ? 8 : 0)
/** perf pads a record and its u32 length to a multiple of 8 bytes, with bytes of any value. */
export const padded = (record: Buffer) =>
  Buffer.concat([record, Buffer.alloc(((record.length + 4 + 7) & ~7) - 4 - record.length, 0xa5)])

/** Reserved identities print as names. 11, which has no name, and the identities of nodes and CIDRs print as numbers. */
export const identityWord = (identity: number) =>
  ({ 0: 'unknown', 1: 'host', 2: 'world', 7: 'kube-apiserver' })[identity] ?? String(identity)
export const identityWords = (one: { srcLabel: number; dstLabel: number }) =>
  `, identity ${identityWord(one.srcLabel)}->${identityWord(one.dstLabel)}`

/** True if the packet's source address belongs to the endpoint that emitted the record. */
export function isSource({ fields }: GeneratedPacket, source: number): boolean {
  return source === 7 && (fields.IP?.source === '10.0.0.1' || fields.IP?.source === 'fd00::1')
}
