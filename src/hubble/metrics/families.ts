// SPDX-License-Identifier: Apache-2.0
/**
 * families.ts - Hubble's layer 3 and 4 metrics: which flows each one counts, and under which fixed labels.
 *
 * In:    flows.
 * Out:   PLUGINS, by metric name. dns, http, httpV2 and kafka are accepted, so that a configuration for Hubble works
 *        here, but count nothing: the datapath sees packets, not requests.
 */

import { icmpText } from '../../cilium/icmp-text.js'
import { matchWord } from '../../cilium/policy-words.js'
import { observationPointName } from '../../datapath/record/observation-point.js'
import type { Flow } from '../flow/flow.js'
import {
  ALL_EVENTS,
  type Counter,
  DROPPING,
  destinationPort,
  Event,
  FORWARDING,
  familyOf,
  type Increment,
  layer4Of,
  NO_INCREMENTS,
  type Plugin,
  protocolOf,
  verdictOf,
  wasForwarded,
} from './counter.js'
import { KeyField } from './key-fields.js'

const HOST = 1
const WORLD = 'reserved:world'
/** Number of observation points with a name. */
const POINTS = 14
const TYPES: Readonly<Record<number, string>> = {
  [Event.drop]: 'Drop',
  [Event.capture]: 'Capture',
  [Event.trace]: 'Trace',
  [Event.policyVerdict]: 'PolicyVerdict',
}

const drop: Counter = {
  name: 'drop_total',
  help: 'Number of drops',
  labels: ['reason', 'protocol'],
  contextFirst: true,
  events: DROPPING,
  keyFields: 0,
  count(flow) {
    if (flow.verdict !== 'DROPPED') return NO_INCREMENTS
    return [[String(flow.drop_reason_desc ?? 'DROP_REASON_UNKNOWN'), protocolOf(flow)]]
  },
}

const tcp: Counter = {
  name: 'tcp_flags_total',
  help: 'TCP flag occurrences',
  labels: ['flag', 'family'],
  contextFirst: false,
  events: FORWARDING,
  keyFields: KeyField.tcpFlags,
  perFlag: true,
  count(flow) {
    const flags = flow.l4?.TCP?.flags
    if (flags === undefined || !wasForwarded(flow) || flow.IP === undefined) return NO_INCREMENTS
    const words: string[] = []
    if (flags.FIN) words.push('FIN')
    if (flags.SYN) words.push(flags.ACK ? 'SYN-ACK' : 'SYN')
    if (flags.RST) words.push('RST')
    return words.map(word => [word, familyOf(flow)])
  },
}

const flow: Counter = {
  name: 'flows_processed_total',
  help: 'Total number of flows processed',
  labels: ['protocol', 'type', 'subtype', 'verdict'],
  contextFirst: false,
  events: ALL_EVENTS,
  keyFields: KeyField.point,
  count: flow => [[protocolOf(flow), ...typeOf(flow), verdictOf(flow)]],
}

const icmp: Counter = {
  name: 'icmp_total',
  help: 'Number of ICMP messages',
  labels: ['family', 'type'],
  contextFirst: false,
  events: ALL_EVENTS,
  keyFields: KeyField.icmp,
  count({ l4 }) {
    const message = l4?.ICMPv4 ?? l4?.ICMPv6
    if (message === undefined) return NO_INCREMENTS
    const ipv6 = l4?.ICMPv4 === undefined
    return [[ipv6 ? 'IPv6' : 'IPv4', icmpText(ipv6, message.type ?? 0, message.code ?? 0)]]
  },
}

const portDistribution: Counter = {
  name: 'port_distribution_total',
  help: 'Numbers of packets distributed by destination port',
  labels: ['protocol', 'port'],
  contextFirst: false,
  events: FORWARDING,
  keyFields: KeyField.port,
  count(flow) {
    const protocol = layer4Of(flow)
    // If it may be a reply, the port may be a client's.
    if (protocol === undefined || !wasForwarded(flow) || flow.is_reply !== false) return NO_INCREMENTS
    return [[protocol, destinationPort(flow) ?? '0']]
  },
}

const policy: Counter = {
  name: 'policy_verdicts_total',
  help: 'Total number of Cilium network policy verdicts',
  labels: ['direction', 'match', 'action'],
  contextFirst: false,
  events: [Event.policyVerdict],
  keyFields: KeyField.source | KeyField.direction | KeyField.match,
  count(flow) {
    // The host is always allowed, so Hubble does not count its verdicts.
    if (flow.event_type?.type !== Event.policyVerdict || flow.source?.identity === HOST) return NO_INCREMENTS
    const direction = String(flow.traffic_direction ?? 'TRAFFIC_DIRECTION_UNKNOWN').toLowerCase()
    const match = matchWord(flow.policy_match_type ?? 0).toLowerCase()
    return [[direction, match, verdictOf(flow).toLowerCase()]]
  },
}

const sctp: Counter = {
  name: 'sctp_chunk_types_total',
  help: 'SCTP chunk type occurrences',
  labels: ['chunk_type', 'family'],
  contextFirst: false,
  events: FORWARDING,
  keyFields: KeyField.chunk,
  count(flow, chunk) {
    const counts = chunk !== '' && wasForwarded(flow) && flow.IP !== undefined && flow.l4?.SCTP !== undefined
    return counts ? [[chunk, familyOf(flow)]] : NO_INCREMENTS
  },
}

/** Flows to reserved:world. */
function flowsToWorld(given: ReadonlySet<string>): Counter {
  const port = given.has('port')
  const synOnly = given.has('syn-only')
  const anyDrop = given.has('any-drop')
  const counts = (flow: Flow): boolean => {
    const known = flow.l4 !== undefined && flow.event_type !== undefined
    if (!known || !flow.destination?.labels?.includes(WORLD)) return false
    if (flow.verdict === 'DROPPED' && !anyDrop && flow.drop_reason_desc !== 'POLICY_DENIED') return false
    if (flow.verdict !== 'DROPPED' && flow.is_reply === true) return false
    return !synOnly || (flow.l4?.TCP?.flags?.SYN === true && flow.is_reply !== true)
  }
  return {
    name: 'flows_to_world_total',
    help: 'Total number of flows to reserved:world',
    labels: ['protocol', 'verdict', ...(port ? ['port'] : [])],
    contextFirst: false,
    events: ALL_EVENTS,
    keyFields: KeyField.destination | (port ? KeyField.port : 0) | (synOnly ? KeyField.tcpFlags : 0),
    perFlag: synOnly,
    count(flow) {
      if (!counts(flow)) return NO_INCREMENTS
      const fixed: Increment = [protocolOf(flow), verdictOf(flow)]
      return [port ? [...fixed, destinationPort(flow) ?? ''] : fixed]
    },
  }
}

/** The labels `type` and `subtype`; the subtype is empty for an observation point without a name. */
function typeOf(flow: Flow): [string, string] {
  const { type = 0, sub_type = 0 } = flow.event_type ?? {}
  const name = TYPES[type]
  if (name === undefined) return ['Unknown', String(type)]
  return [name, type === Event.trace && sub_type < POINTS ? observationPointName(sub_type) : '']
}

const always = (counter: Counter): Plugin => ({ options: [], counters: () => [counter] })
const never = (options: readonly string[]): Plugin => ({ options, counters: () => [] })

export const PLUGINS: Readonly<Record<string, Plugin>> = {
  dns: never(['query', 'ignoreAAAA']),
  drop: always(drop),
  flow: always(flow),
  'flows-to-world': { options: ['any-drop', 'port', 'syn-only'], counters: given => [flowsToWorld(given)] },
  http: never(['exemplars']),
  httpV2: never(['exemplars']),
  icmp: always(icmp),
  kafka: never([]),
  policy: always(policy),
  'port-distribution': always(portDistribution),
  sctp: always(sctp),
  tcp: always(tcp),
}
