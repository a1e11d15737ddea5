// SPDX-License-Identifier: Apache-2.0
/**
 * reporter.ts - the reporter of a packet: the side of the flow that the observing interface is on.
 *
 * In:    the hook and direction of a Weir record, or the observation point of a Cilium record.
 * Out:   a Reporter, and its label value by number in REPORTERS.
 */
import { Direction, Hook } from '../../datapath/record/abi.js'

export const Reporter = { source: 0, destination: 1, uplink: 2, node: 3 } as const
export type Reporter = (typeof Reporter)[keyof typeof Reporter]
/** Values of the label `reporter`, by number. */
export const REPORTERS = ['source', 'destination', 'uplink', 'node'] as const

/** Cilium's observation points (bpf/lib/notify.h) at an endpoint of the flow. All others are on the way, on a node. */
const POINT = { toEndpoint: 0, toProxy: 1, toHost: 2, toStack: 3, fromEndpoint: 5 } as const

/** A packet from a pod is seen at the source's veth, a packet to a pod at the destination's. */
export function reporterOf(hook: number, direction: number): Reporter {
  if (hook === Hook.uplink) return Reporter.uplink
  return direction === Direction.aToB ? Reporter.source : Reporter.destination
}

export function reporterAt(point: number): Reporter {
  if (point === POINT.toEndpoint) return Reporter.destination
  const leavesSource =
    point === POINT.toProxy || point === POINT.toHost || point === POINT.toStack || point === POINT.fromEndpoint
  return leavesSource ? Reporter.source : Reporter.node
}
