/**
 * flow-records.ts - builds records of Cilium's datapath from their fields, and makes flows from them.
 *
 * In:    the fields a test needs; all others are 0. Layouts: cilium/cilium
 *        bpf/lib/{trace,drop,policy_log,dbg,trace_sock}.h.
 * Out:   bytes; flows with a fixed time, uuid and emitter.
 */

import { parseInventory } from '../../src/datapath/inventory/inventory.js'
import { Decoder } from '../../src/datapath/record/decode.js'
import { KernelReasons } from '../../src/datapath/record/reasons.js'
import type { DebugEvent, Flow } from '../../src/hubble/flow/flow.js'
import { InventoryResolver } from '../../src/hubble/flow/inventory-resolver.js'
import { FlowMaker, type FlowOptions } from '../../src/hubble/flow/maker.js'
import { ethernet, ipv4, ipv6, tcp } from './ethernet.js'

export const INVENTORY = JSON.stringify({
  identities: {
    1001: ['k8s:app=web', 'k8s:io.cilium.k8s.policy.cluster=east'],
    1002: ['k8s:z=1', 'k8s:app=db', 'k8s:io.kubernetes.pod.namespace=data'],
    16777217: ['reserved:world', 'cidr:93.184.0.0/16', 'cidr:93.0.0.0/8', 'cidr:0.0.0.0/0', 'cidr:nonsense'],
    16777218: ['cidr:2606-2800--/32', 'cidr:2606--/16'],
  },
  endpoints: [
    {
      id: 7,
      ips: ['10.0.0.1', 'fd00::1'],
      identity: 1001,
      namespace: 'shop',
      pod: 'web-0',
      workload: { kind: 'StatefulSet', name: 'web' },
      local: true,
    },
    { id: 8, ips: ['10.0.1.2', 'fd00::2'], identity: 1002, namespace: 'data', pod: 'db-0' },
  ],
  cidrs: {
    '0.0.0.0/0': 2,
    '::/0': 2,
    '10.0.2.9/32': 1,
    '10.0.2.7/32': 7,
    '93.184.0.0/16': 16777217,
    '2606:2800::/32': 16777218,
  },
  services: [{ ip: '10.96.0.10', port: 53, namespace: 'kube-system', name: 'kube-dns' }],
  dns: { '93.184.216.34': ['www.example.com.', 'example.com'] },
  links: { 3: 'eth0' },
  cgroups: { 5000: 'shop/web-0/10.0.0.1', 5001: 'shop/web-0/fd00::1' },
})

export const WEB = '10.0.0.1'
export const DB = '10.0.1.2'
const MACS = { src: '02:00:00:00:00:01', dst: '02:00:00:00:00:0A' }

/** An Ethernet frame with IPv4 or IPv6 and a payload; a TCP SYN by default. */
export function packet(src = WEB, dst = DB, payload: Uint8Array = tcp(40_000, 443, 0x02), protocol = 6): Buffer {
  return src.includes(':')
    ? ethernet(MACS, 0x86dd, ipv6({ src, dst }, protocol, payload))
    : ethernet(MACS, 0x0800, ipv4({ src, dst }, protocol, payload))
}

interface Header {
  readonly source?: number
  readonly srcLabel?: number
  readonly dstLabel?: number
  readonly packet?: Uint8Array
  readonly version?: number
}

export interface Trace extends Header {
  readonly point?: number
  readonly dstId?: number
  readonly reason?: number
  readonly flags?: number
  readonly ifindex?: number
  /** 4 or 16 bytes. */
  readonly orig?: readonly number[]
  readonly traceId?: bigint
}

/** Version 2 by default. */
export function trace(fields: Trace = {}): Buffer {
  const { version = 2, point = 3, packet: bytes = packet() } = fields
  const record = header(4, point, version, [32, 48, 56][version]!, fields)
  record.writeUInt16LE(fields.dstId ?? 0, 24)
  record.set([fields.reason ?? 0, fields.flags ?? 0], 26)
  record.writeUInt32LE(fields.ifindex ?? 0, 28)
  if (fields.orig !== undefined && version > 0) record.set(fields.orig, 32)
  if (version === 2) record.writeBigUInt64LE(fields.traceId ?? 0n, 48)
  return Buffer.concat([record, bytes])
}

export interface Drop extends Header {
  readonly reason?: number
  readonly line?: number
  readonly file?: number
  /** -128 to 127. */
  readonly extError?: number
  readonly flags?: number
  readonly ifindex?: number
  readonly traceId?: bigint
}

/** Version 3 by default. */
export function drop(fields: Drop = {}): Buffer {
  const { version = 3 } = fields
  const record = header(1, fields.reason ?? 133, version, [36, 36, 40, 48][version]!, fields)
  record.writeUInt16LE(fields.line ?? 0, 28)
  record[30] = fields.file ?? 0
  record.writeUInt32LE(fields.ifindex ?? 0, 32)
  record[31] = fields.extError ?? 0
  if (version >= 2) record[36] = fields.flags ?? 0
  if (version === 3) record.writeBigUInt64LE(fields.traceId ?? 0n, 40)
  return Buffer.concat([record, fields.packet ?? packet()])
}

export interface Verdict {
  readonly source?: number
  readonly remote?: number
  readonly verdict?: number
  readonly flags?: number
  readonly auth?: number
  readonly packet?: Uint8Array
  /** 32 or 40 bytes. */
  readonly length?: number
}

export function verdict(fields: Verdict = {}): Buffer {
  const record = header(5, 0, 1, fields.length ?? 40, { ...fields, srcLabel: fields.remote ?? 0 })
  record.writeInt32LE(fields.verdict ?? 0, 20)
  record.set([fields.flags ?? 0x02, fields.auth ?? 0], 27)
  return Buffer.concat([record, fields.packet ?? packet()])
}

export function capture(subtype: number, arg1: number): Buffer {
  const record = header(3, subtype, 1, 24, {})
  record.writeUInt32LE(arg1, 16)
  return Buffer.concat([record, packet()])
}

export function debug(subtype: number, source: number, args: readonly [number, number, number]): Buffer {
  const record = header(2, subtype, 0, 20, { source })
  for (const [i, arg] of args.entries()) record.writeUInt32LE(arg, 8 + 4 * i)
  return record
}

export interface Sock {
  readonly point: number
  readonly proto?: number
  readonly port?: number
  readonly ipv6?: boolean
  readonly cookie?: bigint
  readonly cgroup: bigint
  readonly ip: readonly number[]
}

/** The layout since Cilium 1.19, 40 bytes. */
export function sock({ point, proto = 1, port = 80, ipv6 = false, cookie = 9n, cgroup, ip }: Sock): Buffer {
  const record = Buffer.alloc(40)
  record.set([7, point, proto, ipv6 ? 1 : 0])
  record.writeUInt16LE(port, 4)
  record.writeBigUInt64LE(cookie, 8)
  record.writeBigUInt64LE(cgroup, 16)
  record.set(ip, 24)
  return record
}

/** The packed layout before Cilium 1.19, 38 bytes. */
export function packedSock({ point, proto = 1, port = 80, ipv6 = false, cookie = 9n, cgroup, ip }: Sock): Buffer {
  const record = Buffer.alloc(38)
  record.set([7, point, ...ip])
  record.writeUInt16LE(port, 18)
  record.writeBigUInt64LE(cookie, 20)
  record.writeBigUInt64LE(cgroup, 28)
  record.set([proto, ipv6 ? 1 : 0], 36)
  return record
}

function header(type: number, subtype: number, version: number, length: number, fields: Header): Buffer {
  const record = Buffer.alloc(length)
  const captured = (fields.packet ?? packet()).length
  record.set([type, subtype])
  record.writeUInt16LE(fields.source ?? 0, 2)
  record.writeUInt32LE(0xabcd, 4)
  if (type === 2) return record
  record.writeUInt32LE(captured, 8)
  record.writeUInt16LE(captured, 12)
  record[14] = version
  record.writeUInt32LE(fields.srcLabel ?? 0, 16)
  if (length >= 24) record.writeUInt32LE(fields.dstLabel ?? 0, 20)
  return record
}

/** A FlowMaker, and the flows and debug events that it emits. */
export function maker(inventory = INVENTORY, options: Pick<FlowOptions, 'serviceOf'> = {}) {
  const flows: Flow[] = []
  const debugs: DebugEvent[] = []
  const flowMaker = new FlowMaker({
    ...options,
    resolver: InventoryResolver.from(parseInventory(inventory, 'inventory')),
    now: () => '2026-01-02T03:04:05.678Z',
    nodeName: 'node-1',
    version: '1.2.3',
    uuid: () => 'a-b-c',
    kernelReasons: new KernelReasons([
      { name: 'SKB_DROP_REASON_NETFILTER_DROP', value: 5 },
      { name: 'SKB_DROP_REASON_NO_SOCKET', value: 6 },
    ]),
    onFlow: flow => flows.push(flow),
    onDebug: event => debugs.push(event),
  })
  const decoder = new Decoder()
  const feed = (record: Uint8Array) =>
    decoder.record(new DataView(record.buffer, record.byteOffset, record.length), 0, record.length, flowMaker)
  return { made: flowMaker, decoder, flows, debugs, feed }
}

/** The flow of a record. Throws unless there is exactly one. */
export function flowOf(record: Uint8Array, inventory?: string, options?: Pick<FlowOptions, 'serviceOf'>): Flow {
  const { flows, feed, made: flowMaker } = maker(inventory, options)
  feed(record)
  if (flows.length !== 1) throw new Error(`${flows.length} flows: ${flowMaker.lastError}`)
  return flows[0]!
}
