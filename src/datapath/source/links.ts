// SPDX-License-Identifier: Apache-2.0
/**
 * links.ts - parses rtnetlink messages into links.
 *
 * In:    messages that start with struct nlmsghdr, back to back (linux/netlink.h, linux/if_link.h), as RtnetlinkWatch reads
 *        them.
 * Out:   one call for each link that exists or was deleted, or has other filters.
 * Fail:  parsing stops at a truncated message; the kernel sends whole ones.
 * Never: makes a system call.
 */
import { AF_UNSPEC, type Attribute, attributes, type Message, messages, NLMSG_DONE, text } from './rtnetlink.js'

export interface Link {
  readonly ifindex: number
  readonly name: string
  /** `veth`, `bridge`, ...; empty for hardware and loopback. */
  readonly kind: string
  /** ARPHRD_* (linux/if_arp.h): what a packet's first header is. */
  readonly hardware: number
  readonly up: boolean
  /** An XDP program runs on what it receives, before any hook of Weir's. */
  readonly hasXdp: boolean
  /** Bridge, bond or VRF that it is a port of; 0 for none. */
  readonly master: number
  /** The interface below it in the same namespace, of a VLAN or macvlan; 0 for none. */
  readonly lower: number
  /** The peer is in another network namespace: on a node, a pod's. */
  readonly peerInOtherNetns: boolean
  /** Then its number there, and the id of that namespace in this one. */
  readonly peerIfindex: number
  readonly peerNetnsId: number
  /** An ipvlan device of mode L3S: what it receives passes no hook of its own. */
  readonly l3s: boolean
}

export interface LinkSink {
  present(link: Link): void
  gone(ifindex: number): void
  /** A qdisc or filter of the interface was added, changed or deleted. */
  filtersChanged(ifindex: number): void
  /** A dump is complete: links that it did not list do not exist. */
  complete(): void
}

const IFINFOMSG = { family: 0, hardware: 2, ifindex: 4, flags: 8, size: 16 } as const
const RTM = { newLink: 16, deleteLink: 17, newQdisc: 36, deleteQdisc: 37, newFilter: 44, deleteFilter: 45 } as const
const FILTER_CHANGES: readonly number[] = [RTM.newQdisc, RTM.deleteQdisc, RTM.newFilter, RTM.deleteFilter]
/** Offset of tcm_ifindex in struct tcmsg. */
const TCMSG_IFINDEX = 4
const IFLA = { name: 3, link: 5, master: 10, linkInfo: 18, linkNetnsId: 37, xdp: 43 } as const
const IFLA_INFO = { kind: 1, data: 2 } as const
const IFLA_XDP_ATTACHED = 2
const IFLA_IPVLAN_MODE = 1
const IPVLAN_MODE_L3S = 2
const IFF_UP = 1
/** ARPHRD_PPP, RAWIP, TUNNEL, TUNNEL6, SIT, IPGRE, IP6GRE, NONE. */
const BARE: ReadonlySet<number> = new Set([512, 519, 768, 769, 776, 778, 823, 0xfffe])

/** A pod's interface: one of a pair with the other one in another network namespace. */
export function isPodLink({ kind, peerInOtherNetns }: Link): boolean {
  return peerInOtherNetns && (kind === 'veth' || kind === 'netkit')
}

/** Whether packets start with their IP header: tun, WireGuard, IPIP, SIT, GRE, PPP, raw IP of a modem. */
export function isBare({ hardware }: Link): boolean {
  return BARE.has(hardware)
}

/** Parses `length` bytes of messages. */
export function readLinks(bytes: Uint8Array, length: number, sink: LinkSink): void {
  for (const message of messages(bytes, length)) {
    const link = message.type === NLMSG_DONE ? undefined : readLink(message)
    if (message.type === NLMSG_DONE) sink.complete()
    else if (FILTER_CHANGES.includes(message.type))
      sink.filtersChanged(message.view.getInt32(message.body + TCMSG_IFINDEX, true))
    else if (link?.present) sink.present(link.of)
    else if (link !== undefined) sink.gone(link.of.ifindex)
  }
}

/**
 * Undefined for another message. Bridge and wireless notifications (another family) are skipped: they carry no link
 * attributes.
 */
export function readLink({ type, view, body, end }: Message): { present: boolean; of: Link } | undefined {
  if (type !== RTM.newLink && type !== RTM.deleteLink) return undefined
  if (end - body < IFINFOMSG.size || view.getUint8(body + IFINFOMSG.family) !== AF_UNSPEC) return undefined
  const ifindex = view.getInt32(body + IFINFOMSG.ifindex, true)
  const hardware = view.getUint16(body + IFINFOMSG.hardware, true)
  const up = (view.getUint32(body + IFINFOMSG.flags, true) & IFF_UP) !== 0
  const of = { ifindex, hardware, up, ...readAttributes(view, body + IFINFOMSG.size, end) }
  return { present: type === RTM.newLink, of }
}

function readAttributes(view: DataView, from: number, to: number): Omit<Link, 'ifindex' | 'hardware' | 'up'> {
  let name = ''
  let kind = ''
  let master = 0
  let link = 0
  let peerNetnsId = -1
  let peerInOtherNetns = false
  let hasXdp = false
  let l3s = false
  for (const attribute of attributes(view, from, to)) {
    const { type, at, end } = attribute
    if (type === IFLA.name) name = text(view, attribute)
    else if (type === IFLA.linkNetnsId) [peerInOtherNetns, peerNetnsId] = [true, view.getInt32(at, true)]
    else if (type === IFLA.xdp) hasXdp = isXdpAttached(view, at, end)
    else if (type === IFLA.master) master = view.getUint32(at, true)
    else if (type === IFLA.link) link = view.getInt32(at, true)
    else if (type === IFLA.linkInfo) {
      for (const info of attributes(view, at, end)) {
        if (info.type === IFLA_INFO.kind) kind = text(view, info)
        else if (info.type === IFLA_INFO.data && kind === 'ipvlan') l3s = isL3s(view, info)
      }
    }
  }
  const [lower, peerIfindex] = peerInOtherNetns ? [0, link] : [link, 0]
  return { name, kind, master, lower, peerInOtherNetns, peerIfindex, peerNetnsId, l3s, hasXdp }
}

/** The attribute is there without a program, too. */
function isXdpAttached(view: DataView, from: number, to: number): boolean {
  for (const { type, at } of attributes(view, from, to)) if (type === IFLA_XDP_ATTACHED) return view.getUint8(at) !== 0
  return false
}

/** The kernel writes the kind before its data. */
function isL3s(view: DataView, { at, end }: Attribute): boolean {
  for (const data of attributes(view, at, end))
    if (data.type === IFLA_IPVLAN_MODE) return view.getUint16(data.at, true) === IPVLAN_MODE_L3S
  return false
}
