/**
 * verdict-model.ts - generated policy verdicts of both lengths, each with the flow and the monitor line that Cilium's rules give.
 */
import fc from 'fast-check'
import type { Flow } from '../../src/hubble/flow/flow.js'
import { verdict } from './flow-records.js'
import { plainPacket } from './packet-model.js'
import { emitter, type GeneratedRecord, identity, identityWord, padded, REASON_NAMES } from './record-model.js'

const MATCH_WORDS = ['none', 'L3-Only', 'L3-L4', 'L4-Only', 'all', 'L3-Proto', 'Proto-Only', 'unknown']
const AUTH_WORDS = ['disabled', 'spire', 'test-always-fail', 'Unknown-auth-type-3']

/** 32 bytes as in Cilium 1.18, or 40 as in 1.19. Verdicts have no tunnel flags. */
export const verdicts: fc.Arbitrary<GeneratedRecord> = fc
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
      ...packet.fields,
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
    const printed =
      `Policy verdict log: flow 0xabcd local EP ID ${one.source}, remote ID ${identityWord(remote)}, proto 0,` +
      ` ${ingress ? 'ingress' : 'egress'}, action ${action}, auth: ${AUTH_WORDS[auth]}, match ${MATCH_WORDS[match]},` +
      ` ${packet.connection}\n`
    return { record: padded(record), flow, identities: ingress ? [remote, 0] : [0, remote], line: printed }
  })
