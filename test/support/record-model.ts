/**
 * record-model.ts - what made-up records of every kind share: a record, and what Hubble says of it, told from what went in.
 *
 * Out:   Told: bytes with their flow, without what differs from run to run (time, uuid, emitter,
 *        node_name) and without endpoints, services and names.
 *        Rules: cilium/cilium pkg/hubble/parser/threefour/parser.go, pkg/monitor/datapath_{trace,drop,policy}.go, 1.19.
 */
import fc from 'fast-check'
import type { Flow } from '../../src/hubble/flow/flow.js'
import { type Modelled, plainPacket, tunnelled } from './packet-model.js'

export interface Told {
  readonly record: Buffer
  readonly flow: Flow
  /** What the record says of identities; 0 is nothing. */
  readonly identities: readonly [source: number, destination: number]
  /** The line of `cilium monitor`. */
  readonly line: string
}

/** Endpoint 7 is 10.0.0.1 and fd00::1. */
const EMITTERS = [0, 7, 8, 4711]
const IDENTITIES = [0, 1, 2, 7, 11, 1001, 1002, 16_777_217, 33_554_433]
export const TRACE_IDS = [0n, 1n, 2n ** 53n + 1n, 2n ** 64n - 1n]
export const REASON_NAMES: Readonly<Record<number, string>> = { 133: 'POLICY_DENIED', 181: 'POLICY_DENY' }

export const packets = fc.oneof({ weight: 3, arbitrary: plainPacket }, tunnelled)
export const emitter = fc.constantFrom(...EMITTERS)
export const identity = fc.constantFrom(...IDENTITIES)
export const bits = ({ ipv6, l3Device, vxlan, geneve }: Modelled) =>
  (ipv6 ? 1 : 0) | (l3Device ? 2 : 0) | (vxlan ? 4 : 0) | (geneve ? 8 : 0)
/** perf fills up to 8 bytes with what was in its memory before. */
export const padded = (record: Buffer) =>
  Buffer.concat([record, Buffer.alloc(((record.length + 4 + 7) & ~7) - 4 - record.length, 0xa5)])

/** Reserved identities have names; 11 has none, and those of a node or a CIDR are numbers. */
export const identityWord = (identity: number) =>
  ({ 0: 'unknown', 1: 'host', 2: 'world', 7: 'kube-apiserver' })[identity] ?? String(identity)
export const identityWords = (one: { srcLabel: number; dstLabel: number }) =>
  `, identity ${identityWord(one.srcLabel)}->${identityWord(one.dstLabel)}`

export function isSource({ read }: Modelled, source: number): boolean {
  return source === 7 && (read.IP?.source === '10.0.0.1' || read.IP?.source === 'fd00::1')
}
