// SPDX-License-Identifier: Apache-2.0
/**
 * counter.ts - the definition of a hubble_* family, and the label values that several families share.
 *
 * Out:   Counter and Plugin. Source: cilium/cilium pkg/hubble/metrics, pkg/hubble/api/v1.
 */
import type { Flow, Layer4 } from '../flow/flow.js'

/** Label values of one increment of 1, in the order of a counter's labels. */
export type Increment = readonly string[]

export interface Counter {
  /** Without `hubble_`. */
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  /** Whether the context's labels come before these. */
  readonly contextFirst: boolean
  /** Event types of the flows that it may count. */
  readonly events: readonly number[]
  /** KeyField bits for those events. */
  readonly keyFields: number
  /** Counts TCP flags: of a record of Weir's own, each of its flags once for each packet that had it. */
  readonly perFlag?: boolean
  /** Usually none or one. `chunk` is the name of the first SCTP chunk, empty without one. */
  count(flow: Flow, chunk: string): readonly Increment[]
}

/** A metric name of --hubble-metrics. */
export interface Plugin {
  /** Its own options, without the contexts. */
  readonly options: readonly string[]
  /** `given`: the options that are set. */
  counters(given: ReadonlySet<string>): readonly Counter[]
}

export const NO_INCREMENTS: readonly Increment[] = []

/** Event types (cilium/cilium pkg/monitor/api). */
export const Event = { drop: 1, capture: 3, trace: 4, policyVerdict: 5 } as const
export const ALL_EVENTS: readonly number[] = Object.values(Event)
/** Event types of packets that may have been dropped, and that may have been forwarded. */
export const DROPPING: readonly number[] = [Event.drop, Event.policyVerdict]
export const FORWARDING: readonly number[] = [Event.capture, Event.trace, Event.policyVerdict]

const LAYER_4 = ['TCP', 'UDP', 'ICMPv4', 'ICMPv6', 'SCTP', 'VRRP', 'IGMP'] as const satisfies readonly (keyof Layer4)[]

export function verdictOf(flow: Flow): string {
  return String(flow.verdict ?? 'VERDICT_UNKNOWN')
}

/** Whether the packet was passed on. */
export function wasForwarded(flow: Flow): boolean {
  return flow.verdict === 'FORWARDED' || flow.verdict === 'REDIRECTED'
}

/** The layer 4 protocol; an event without a packet has none. */
export function protocolOf(flow: Flow): string {
  switch (flow.event_type?.type) {
    case Event.drop:
    case Event.capture:
    case Event.trace:
    case Event.policyVerdict:
      return layer4Of(flow) ?? 'Unknown L4'
    default:
      return 'Unknown flow'
  }
}

export function layer4Of(flow: Flow): (typeof LAYER_4)[number] | undefined {
  const { l4 } = flow
  return l4 === undefined ? undefined : LAYER_4.find(name => l4[name] !== undefined)
}

export function familyOf(flow: Flow): string {
  return String(flow.IP?.ipVersion ?? 'IP_NOT_USED')
}

/** Decimal; undefined for a protocol without ports. */
export function destinationPort(flow: Flow): string | undefined {
  const ports = flow.l4?.TCP ?? flow.l4?.UDP ?? flow.l4?.SCTP
  return ports === undefined ? undefined : String(ports.destination_port ?? 0)
}
