/**
 * record-model.ts - made-up records of Cilium's datapath, and the flow that Hubble makes of each: told from what went in.
 *
 * Out:   fast-check arbitraries of bytes with their flow, without what differs from run to run (time, uuid, emitter,
 *        node_name) and without endpoints, services and names.
 *        Rules: cilium/cilium pkg/hubble/parser/threefour/parser.go, pkg/monitor/datapath_{trace,drop,policy}.go, 1.19.
 */
import fc from 'fast-check'
import type { Flow } from '../src/datapath/flow.js'
import { drop, trace, verdict } from './flow-records.js'
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
const TRACE_IDS = [0n, 1n, 2n ** 53n + 1n, 2n ** 64n - 1n]
const POINTS = [
  ...['TO_ENDPOINT', 'TO_PROXY', 'TO_HOST', 'TO_STACK', 'TO_OVERLAY', 'FROM_ENDPOINT', 'FROM_PROXY', 'FROM_HOST'],
  ...['FROM_STACK', 'FROM_OVERLAY', 'FROM_NETWORK', 'TO_NETWORK', 'FROM_CRYPTO', 'TO_CRYPTO'],
] as readonly NonNullable<Flow['trace_observation_point']>[]
/** 5 is unknown in the datapath and 0 in a flow; smaller ones are one more in a flow, greater ones the same. */
const REASONS = [
  'NEW',
  'ESTABLISHED',
  'REPLY',
  'RELATED',
  'REOPENED',
  undefined,
  'SRV6_ENCAP',
  'SRV6_DECAP',
  'ENCRYPT_OVERLAY',
] as const

const REASON_NAMES: Readonly<Record<number, string>> = { 133: 'POLICY_DENIED', 181: 'POLICY_DENY' }

const packets = fc.oneof({ weight: 3, arbitrary: plainPacket }, tunnelled)
const emitter = fc.constantFrom(...EMITTERS)
const identity = fc.constantFrom(...IDENTITIES)
const bits = ({ ipv6, l3Device, vxlan, geneve }: Modelled) =>
  (ipv6 ? 1 : 0) | (l3Device ? 2 : 0) | (vxlan ? 4 : 0) | (geneve ? 8 : 0)
/** perf fills up to 8 bytes with what was in its memory before. */
const padded = (record: Buffer) =>
  Buffer.concat([record, Buffer.alloc(((record.length + 4 + 7) & ~7) - 4 - record.length, 0xa5)])

/** Reserved identities have names; 11 has none, and those of a node or a CIDR are numbers. */
const identityWord = (identity: number) =>
  ({ 0: 'unknown', 1: 'host', 2: 'world', 7: 'kube-apiserver' })[identity] ?? String(identity)
const identityWords = (one: { srcLabel: number; dstLabel: number }) =>
  `, identity ${identityWord(one.srcLabel)}->${identityWord(one.dstLabel)}`
const TRACE_WORDS = [
  ...['-> endpoint ', '-> proxy', '-> host from', '-> stack', '-> overlay', '<- endpoint ', '<- proxy', '<- host'],
  ...['<- stack', '<- overlay', '<- network', '-> network', '<- crypto', '-> crypto'],
]
const REASON_WORDS = [
  ...['new', 'established', 'reply', 'related', 'reopened', 'unknown', 'srv6-encap', 'srv6-decap', 'encrypt-overlay'],
]
const DROP_WORDS: Readonly<Record<number, string>> = {
  0: 'Success',
  133: 'Policy denied',
  181: 'Policy denied by denylist',
}
const MATCH_WORDS = ['none', 'L3-Only', 'L3-L4', 'L4-Only', 'all', 'L3-Proto', 'Proto-Only', 'unknown']
const AUTH_WORDS = ['disabled', 'spire', 'test-always-fail', 'Unknown-auth-type-3']

function wayOf({ point, dstId, source }: { point: number; dstId: number; source: number }): string {
  const way = TRACE_WORDS[point] ?? 'unknown trace'
  if (point === 0) return way + dstId
  if (point === 5) return way + source
  return point === 1 && dstId !== 0 ? `${way} port ${dstId}` : way
}

function isSource({ read }: Modelled, source: number): boolean {
  return source === 7 && (read.IP?.source === '10.0.0.1' || read.IP?.source === 'fd00::1')
}

/** No flags before version 2, no orig_ip before 1, no trace id before 2. */
export const traces: fc.Arbitrary<Told> = fc
  .record({
    packet: packets,
    source: emitter,
    srcLabel: identity,
    dstLabel: identity,
    version: fc.nat(2),
    point: fc.nat(20),
    reason: fc.nat(12),
    encrypted: fc.boolean(),
    ifindex: fc.constantFrom(0, 3, 99),
    dstId: fc.constantFrom(0, 10_000),
    traceId: fc.constantFrom(...TRACE_IDS),
    translated: fc.boolean(),
  })
  .map(one => {
    const { packet, source, version, point, reason, encrypted } = one
    const { read } = packet
    const isTranslated = one.translated && version > 0
    const orig = read.IP?.ipVersion === 'IPv6' ? [0xfd, 9, ...Buffer.alloc(13), 9] : [10, 9, 9, 9]
    // The flag of the record says how wide orig_ip is: of a tunnel it is that of the outside.
    const original = packet.ipv6
      ? orig.length === 16
        ? 'fd09::9'
        : 'a09:909::'
      : orig.length === 4
        ? '10.9.9.9'
        : '253.9.0.0'
    const known = reason !== 5
    const reply = known && reason !== 6 && reason !== 7 ? reason === 2 : undefined
    const fromEmitter = !isTranslated && isSource(packet, source)
    const egress = fromEmitter !== (reason === 2) || isTranslated
    const flow: Flow = {
      verdict: 'FORWARDED',
      ...read,
      Type: 'L3_L4',
      event_type: point === 0 ? { type: 4 } : { type: 4, sub_type: point },
      trace_observation_point: POINTS[point] ?? point,
    }
    if (read.IP !== undefined) {
      const { source: shown, ...rest } = read.IP
      flow.IP = isTranslated ? { source: original, source_xlated: shown!, ...rest } : { ...read.IP }
      if (encrypted) flow.IP.encrypted = true
    }
    if (reply !== undefined) flow.is_reply = reply
    if (reply) flow.reply = true
    if (source !== 0 && known) flow.traffic_direction = egress ? 'EGRESS' : 'INGRESS'
    const name = reason < REASONS.length ? REASONS[reason] : reason
    if (name !== undefined) flow.trace_reason = name
    if (version === 2 && one.traceId !== 0n) flow.ip_trace_id = { trace_id: String(one.traceId) }
    if (one.ifindex !== 0) flow.interface = one.ifindex === 3 ? { index: 3, name: 'eth0' } : { index: one.ifindex }
    if (point === 1 && one.dstId !== 0) flow.proxy_port = one.dstId
    const record = trace({
      ...one,
      packet: packet.bytes,
      flags: bits(packet),
      reason: reason | (encrypted ? 0x80 : 0),
      ...(isTranslated ? { orig } : {}),
    })
    const id = version === 2 && one.traceId !== 0n ? ` [ ip-trace-id = ${one.traceId} ]` : ''
    const state = REASON_WORDS[reason] ?? String(reason | (encrypted ? 0x80 : 0))
    const origIp = isTranslated ? original : packet.ipv6 ? '::' : '0.0.0.0'
    const line =
      `${wayOf(one)} ${encrypted ? 'encrypted  ' : ''}flow 0xabcd ${identityWords(one)}${id} state ${state}` +
      ` ifindex ${one.ifindex} orig-ip ${origIp}: ${packet.connection}\n`
    return { record: padded(record), flow, identities: [one.srcLabel, one.dstLabel], line }
  })

/** Versions 0 and 1 have no flags: their packets start with Ethernet and are no tunnels. */
export const drops: fc.Arbitrary<Told> = fc
  .record({
    packet: packets,
    source: emitter,
    srcLabel: identity,
    dstLabel: identity,
    version: fc.nat(3),
    reason: fc.constantFrom(133, 181, 159, 250, 0),
    file: fc.constantFrom([1, 'bpf_host.c'], [115, 'classifiers.h'], [8, 'unknown(8)'], [0, 'unknown(0)']),
    line: fc.nat(65_535),
    extError: fc.constantFrom(0, -14),
    traceId: fc.constantFrom(...TRACE_IDS),
  })
  .filter(({ packet, version }) => version >= 2 || bits(packet) <= 1)
  .map(one => {
    const { packet, source, version, reason, file, line } = one
    const name = REASON_NAMES[reason] ?? reason
    const flow: Flow = {
      verdict: 'DROPPED',
      ...packet.read,
      Type: 'L3_L4',
      event_type: reason === 0 ? { type: 1 } : { type: 1, sub_type: reason },
      file: line === 0 ? { name: file[1] as string } : { name: file[1] as string, line },
    }
    if (reason !== 0) Object.assign(flow, { drop_reason: reason, drop_reason_desc: name })
    if (source !== 0) flow.traffic_direction = isSource(packet, source) ? 'EGRESS' : 'INGRESS'
    if (version === 3 && one.traceId !== 0n) flow.ip_trace_id = { trace_id: String(one.traceId) }
    const record = drop({ ...one, packet: packet.bytes, flags: bits(packet), file: file[0] as number })
    const id = version === 3 && one.traceId !== 0n ? ` [ ip-trace-id = ${one.traceId} ]` : ''
    const ext = one.extError === 0 ? '' : `, ${one.extError}`
    const why = DROP_WORDS[reason] === undefined ? `${reason}, ${one.extError}` : DROP_WORDS[reason] + ext
    const words =
      `xx drop (${why}) flow 0xabcd to endpoint 0, ifindex 0, file ${file[1]}:${line}, ${id}` +
      `${identityWords(one)}: ${packet.connection}\n`
    return { record: padded(record), flow, identities: [one.srcLabel, one.dstLabel], line: words }
  })

/** The 32 bytes of Cilium 1.18 and the 40 of 1.19; no tunnels. */
export const verdicts: fc.Arbitrary<Told> = fc
  .record({
    packet: plainPacket,
    source: emitter,
    remote: identity,
    verdict: fc.constantFrom(0, 0, -133, -181, -250, 0x1027),
    direction: fc.nat(3),
    match: fc.nat(7),
    audited: fc.boolean(),
    auth: fc.nat(3),
    length: fc.constantFrom(32, 40),
  })
  .map(one => {
    const { packet, remote, verdict: code, direction, match, audited, auth } = one
    const ingress = direction === 1
    const flow: Flow = {
      verdict: code < 0 ? 'DROPPED' : code > 0 ? 'REDIRECTED' : audited ? 'AUDIT' : 'FORWARDED',
      ...packet.read,
      Type: 'L3_L4',
      event_type: { type: 5 },
      traffic_direction: ingress ? 'INGRESS' : 'EGRESS',
    }
    if (code < 0) {
      const name = REASON_NAMES[-code] ?? -code
      Object.assign(flow, { drop_reason: -code, drop_reason_desc: name })
    } else flow.is_reply = false
    if (auth !== 0) flow.auth_type = auth === 1 ? 'SPIRE' : auth === 2 ? 'TEST_ALWAYS_FAIL' : auth
    if (match !== 0) flow.policy_match_type = match
    const flags =
      direction | (packet.ipv6 ? 0x04 : 0) | (match << 3) | (audited ? 0x40 : 0) | (packet.l3Device ? 0x80 : 0)
    const record = verdict({ ...one, packet: packet.bytes, flags })
    const action = audited ? 'audit' : code < 0 ? 'deny' : code > 0 ? 'redirect' : 'allow'
    const words =
      `Policy verdict log: flow 0xabcd local EP ID ${one.source}, remote ID ${identityWord(remote)}, proto 0,` +
      ` ${ingress ? 'ingress' : 'egress'}, action ${action}, auth: ${AUTH_WORDS[auth]}, match ${MATCH_WORDS[match]},` +
      ` ${packet.connection}\n`
    return { record: padded(record), flow, identities: ingress ? [remote, 0] : [0, remote], line: words }
  })
