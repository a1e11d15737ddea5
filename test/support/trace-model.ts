/**
 * trace-model.ts - generated trace records of every version, each with the flow and the monitor line that Cilium's rules give.
 */
import fc from 'fast-check'
import type { Flow } from '../../src/hubble/flow/flow.js'
import { trace } from './flow-records.js'
import {
  emitter,
  type GeneratedRecord,
  identity,
  identityWords,
  isSource,
  packets,
  padded,
  recordFlags,
  TRACE_IDS,
} from './record-model.js'

const POINTS = [
  ...['TO_ENDPOINT', 'TO_PROXY', 'TO_HOST', 'TO_STACK', 'TO_OVERLAY', 'FROM_ENDPOINT', 'FROM_PROXY', 'FROM_HOST'],
  ...['FROM_STACK', 'FROM_OVERLAY', 'FROM_NETWORK', 'TO_NETWORK', 'FROM_CRYPTO', 'TO_CRYPTO'],
] as readonly NonNullable<Flow['trace_observation_point']>[]
/** By the datapath's number: 0 to 4 are one more in flow.proto, 5 (unknown) is 0 there, higher numbers are the same. */
const REASONS = [
  ...(['NEW', 'ESTABLISHED', 'REPLY', 'RELATED', 'REOPENED'] as const),
  ...([undefined, 'SRV6_ENCAP', 'SRV6_DECAP', 'ENCRYPT_OVERLAY'] as const),
]

const TRACE_WORDS = [
  ...['-> endpoint ', '-> proxy', '-> host from', '-> stack', '-> overlay', '<- endpoint ', '<- proxy', '<- host'],
  ...['<- stack', '<- overlay', '<- network', '-> network', '<- crypto', '-> crypto'],
]
const REASON_WORDS = [
  ...['new', 'established', 'reply', 'related', 'reopened', 'unknown', 'srv6-encap', 'srv6-decap', 'encrypt-overlay'],
]

/** How a trace line of the monitor starts. */
function tracePrefix({ point, dstId, source }: { point: number; dstId: number; source: number }): string {
  const text = TRACE_WORDS[point] ?? 'unknown trace'
  if (point === 0) return text + dstId
  if (point === 5) return text + source
  return point === 1 && dstId !== 0 ? `${text} port ${dstId}` : text
}

/** The original address exists since version 1, the trace id since version 2. */
export const traces: fc.Arbitrary<GeneratedRecord> = fc
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
    const { fields } = packet
    const isTranslated = one.translated && version > 0
    const orig = fields.IP?.ipVersion === 'IPv6' ? [0xfd, 9, ...Buffer.alloc(13), 9] : [10, 9, 9, 9]
    // The record's IPv6 flag gives the width of orig_ip. For a tunnel it is the flag of the outer packet.
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
      ...fields,
      Type: 'L3_L4',
      event_type: point === 0 ? { type: 4 } : { type: 4, sub_type: point },
      trace_observation_point: POINTS[point] ?? point,
    }
    if (fields.IP !== undefined) {
      const { source: shown, ...rest } = fields.IP
      flow.IP = isTranslated ? { source: original, source_xlated: shown!, ...rest } : { ...fields.IP }
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
      flags: recordFlags(packet),
      reason: reason | (encrypted ? 0x80 : 0),
      ...(isTranslated ? { orig } : {}),
    })
    const id = version === 2 && one.traceId !== 0n ? ` [ ip-trace-id = ${one.traceId} ]` : ''
    const state = REASON_WORDS[reason] ?? String(reason | (encrypted ? 0x80 : 0))
    const origIp = isTranslated ? original : packet.ipv6 ? '::' : '0.0.0.0'
    const line =
      `${tracePrefix(one)} ${encrypted ? 'encrypted  ' : ''}flow 0xabcd ${identityWords(one)}${id} state ${state}` +
      ` ifindex ${one.ifindex} orig-ip ${origIp}: ${packet.connection}\n`
    return { record: padded(record), flow, identities: [one.srcLabel, one.dstLabel], line }
  })
