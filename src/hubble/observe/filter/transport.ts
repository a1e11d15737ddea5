// SPDX-License-Identifier: Apache-2.0
/**
 * transport.ts - matches a flow by protocol, ports, TCP flags or IP trace ID.
 */
import type { Flow, Layer4, Ports, TcpFlags } from '../../flow/flow.js'
import type { FlowPredicate } from './predicate.js'

/** Values of --protocol. */
const PROTOCOLS: Readonly<Record<string, FlowPredicate>> = {
  icmp: flow => flow.l4?.ICMPv4 !== undefined || flow.l4?.ICMPv6 !== undefined,
  icmpv4: hasLayer('ICMPv4'),
  icmpv6: hasLayer('ICMPv6'),
  igmp: hasLayer('IGMP'),
  sctp: hasLayer('SCTP'),
  tcp: hasLayer('TCP'),
  udp: hasLayer('UDP'),
  vrrp: hasLayer('VRRP'),
  dns: flow => flow.l7?.dns !== undefined,
  http: flow => flow.l7?.http !== undefined,
  kafka: flow => flow.l7?.kafka !== undefined,
}

export const TCP_FLAGS = ['SYN', 'ACK', 'FIN', 'RST', 'PSH', 'URG', 'ECE', 'CWR', 'NS'] as const

export function matchProtocol(values: readonly string[]): FlowPredicate {
  const predicates = values.map(value => {
    const predicate = Object.hasOwn(PROTOCOLS, value.toLowerCase()) ? PROTOCOLS[value.toLowerCase()] : undefined
    if (predicate === undefined)
      throw new Error(`"${value}" is not a protocol; allowed: ${Object.keys(PROTOCOLS).join(', ')}`)
    return predicate
  })
  return flow => predicates.some(matches => matches(flow))
}

function hasLayer(name: keyof Layer4): FlowPredicate {
  return flow => flow.l4?.[name] !== undefined
}

export function matchPort(side: keyof Ports): (values: readonly string[]) => FlowPredicate {
  return values => {
    const wanted = values.map(parsePort)
    return flow => {
      const ports = portsOf(flow)
      return ports !== undefined && wanted.includes(ports[side] ?? 0)
    }
  }
}

function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new Error(`"${text}" is not a port; allowed: 0 to 65535`)
  return port
}

/** The ports of a flow; undefined for a protocol without ports. */
export function portsOf({ l4 }: Flow): Ports | undefined {
  return l4?.TCP ?? l4?.UDP ?? l4?.SCTP
}

/** All flags of a value must be set; others may be. */
export function matchTcpFlags(values: readonly TcpFlags[]): FlowPredicate {
  const sets = values.map(wanted => TCP_FLAGS.filter(flag => wanted[flag]))
  return flow => {
    const flags = flow.l4?.TCP?.flags
    return flags !== undefined && sets.some(set => set.every(flag => flags[flag]))
  }
}

export function matchIpTraceId(values: readonly string[]): FlowPredicate {
  return flow => flow.ip_trace_id?.trace_id !== undefined && values.includes(flow.ip_trace_id.trace_id)
}
