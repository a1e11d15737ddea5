// SPDX-License-Identifier: Apache-2.0
/**
 * routes.ts - parses rtnetlink messages into default routes and routes of single addresses.
 *
 * In:    RTM_NEWROUTE and RTM_DELROUTE (linux/rtnetlink.h).
 * Out:   unicast routes of the main table to everything, or to one address directly behind an interface.
 * Never: reports the other routes: a node with a routing daemon may have a million.
 */
import { AF_INET, AF_INET6, address, attributes, type Message } from './rtnetlink.js'

export interface Route {
  /** Distinguishes it from the other routes of the table. */
  readonly key: string
  /** A single address; undefined for a default route. */
  readonly address: string | undefined
  /** Interface numbers, several for a multipath route. */
  readonly devices: readonly number[]
  /** Of a default route with a single device. */
  readonly gateway?: string
}

const RTM = { newRoute: 24, deleteRoute: 25 } as const
const RTMSG = { family: 0, destinationBits: 1, tos: 3, table: 4, type: 7, size: 12 } as const
const RTA = { destination: 1, device: 4, gateway: 5, priority: 6, multipath: 9, via: 18 } as const
/** struct rtnexthop: length u16, flags u8, hops u8, ifindex s32; its attributes follow. */
const NEXT_HOP = { ifindex: 4, size: 8 } as const
const MAIN_TABLE = 254
const UNICAST = 1
const BITS: Readonly<Record<number, number>> = { [AF_INET]: 32, [AF_INET6]: 128 }

/** Undefined for another message, and for a route that this file does not report. */
export function readRoute(message: Message): { present: boolean; of: Route } | undefined {
  const { type, view, body, end } = message
  if ((type !== RTM.newRoute && type !== RTM.deleteRoute) || end - body < RTMSG.size) return undefined
  const family = view.getUint8(body + RTMSG.family)
  const bits = view.getUint8(body + RTMSG.destinationBits)
  const host = bits === BITS[family]
  if (BITS[family] === undefined || (bits !== 0 && !host)) return undefined
  if (view.getUint8(body + RTMSG.table) !== MAIN_TABLE || view.getUint8(body + RTMSG.type) !== UNICAST) return undefined
  const route = readAttributes(view, body + RTMSG.size, end)
  // A single address behind a gateway is not behind the interface.
  if (host && (route.hasGateway || route.destination === undefined)) return undefined
  const key = [family, route.destination, route.priority, view.getUint8(body + RTMSG.tos)].join(' ')
  const single = host ? route.destination : undefined
  return {
    present: type === RTM.newRoute,
    of: { key, address: single, devices: route.devices, ...(!host && route.gateway && { gateway: route.gateway }) },
  }
}

function readAttributes(view: DataView, from: number, to: number) {
  const devices: number[] = []
  let destination: string | undefined
  let priority = 0
  let hasGateway = false
  let gateway: string | undefined
  for (const attribute of attributes(view, from, to)) {
    const { type, at, end } = attribute
    if (type === RTA.destination) destination = address(view, attribute)
    else if (type === RTA.device) devices.push(view.getInt32(at, true))
    else if (type === RTA.gateway) [hasGateway, gateway] = [true, address(view, attribute)]
    else if (type === RTA.via) hasGateway = true
    else if (type === RTA.priority) priority = view.getUint32(at, true)
    else if (type === RTA.multipath) devices.push(...nextHops(view, at, end))
  }
  return { destination, priority, hasGateway, gateway, devices }
}

function* nextHops(view: DataView, from: number, to: number): Generator<number> {
  for (let at = from; at + NEXT_HOP.size <= to; ) {
    const size = view.getUint16(at, true)
    if (size < NEXT_HOP.size || at + size > to) return
    yield view.getInt32(at + NEXT_HOP.ifindex, true)
    at += (size + 3) & ~3
  }
}
