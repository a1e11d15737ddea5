// SPDX-License-Identifier: Apache-2.0
/**
 * observation-point.ts - where in Cilium's datapath a packet was seen: the subtype of a TraceNotify.
 *
 * Out:   the name that `cilium monitor` and `hubble observe` print (cilium/cilium bpf/lib/notify.h, pkg/monitor/api).
 */

/** By number, as bpf/lib/notify.h numbers them. */
export const Point = { toEndpoint: 0, toProxy: 1, toStack: 3, fromEndpoint: 5, fromNetwork: 10, toNetwork: 11 } as const

const NAMES = [
  'to-endpoint',
  'to-proxy',
  'to-host',
  'to-stack',
  'to-overlay',
  'from-endpoint',
  'from-proxy',
  'from-host',
  'from-stack',
  'from-overlay',
  'from-network',
  'to-network',
  'from-crypto',
  'to-crypto',
] as const

/** The name of a point; the decimal number if it has none. */
export function observationPointName(point: number): string {
  return NAMES[point] ?? String(point)
}
