/**
 * drop-model.ts - generated drop records of every version, each with the flow and the monitor line that Cilium's rules give.
 */
import fc from 'fast-check'
import type { Flow } from '../../src/hubble/flow/flow.js'
import { drop } from './flow-records.js'
import {
  emitter,
  type GeneratedRecord,
  identity,
  identityWords,
  isSource,
  packets,
  padded,
  REASON_NAMES,
  recordFlags,
  TRACE_IDS,
} from './record-model.js'

const DROP_WORDS: Readonly<Record<number, string>> = {
  0: 'Success',
  133: 'Policy denied',
  181: 'Policy denied by denylist',
}

/** Versions 0 and 1 have no flags, so their packets start with Ethernet and have no tunnel. */
export const drops: fc.Arbitrary<GeneratedRecord> = fc
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
  .filter(({ packet, version }) => version >= 2 || recordFlags(packet) <= 1)
  .map(one => {
    const { packet, source, version, reason, file, line } = one
    const name = REASON_NAMES[reason] ?? reason
    const flow: Flow = {
      verdict: 'DROPPED',
      ...packet.fields,
      Type: 'L3_L4',
      event_type: reason === 0 ? { type: 1 } : { type: 1, sub_type: reason },
      file: line === 0 ? { name: file[1] as string } : { name: file[1] as string, line },
    }
    if (reason !== 0) Object.assign(flow, { drop_reason: reason, drop_reason_desc: name })
    if (source !== 0) flow.traffic_direction = isSource(packet, source) ? 'EGRESS' : 'INGRESS'
    if (version === 3 && one.traceId !== 0n) flow.ip_trace_id = { trace_id: String(one.traceId) }
    const record = drop({ ...one, packet: packet.bytes, flags: recordFlags(packet), file: file[0] as number })
    const id = version === 3 && one.traceId !== 0n ? ` [ ip-trace-id = ${one.traceId} ]` : ''
    const ext = one.extError === 0 ? '' : `, ${one.extError}`
    const reasonText = DROP_WORDS[reason] === undefined ? `${reason}, ${one.extError}` : DROP_WORDS[reason] + ext
    const printed =
      `xx drop (${reasonText}) flow 0xabcd to endpoint 0, ifindex 0, file ${file[1]}:${line}, ${id}` +
      `${identityWords(one)}: ${packet.connection}\n`
    return { record: padded(record), flow, identities: [one.srcLabel, one.dstLabel], line: printed }
  })
