// SPDX-License-Identifier: Apache-2.0
/**
 * neighbours.ts - parses rtnetlink messages into neighbours and into forwarding entries of bridges.
 *
 * In:    RTM_NEWNEIGH and RTM_DELNEIGH (linux/neighbour.h).
 * Out:   the hardware address of an IP address on an interface; the port of a bridge behind which a hardware address is.
 */
import { address, attributes, type Message } from './rtnetlink.js'

export interface Neighbour {
  readonly ifindex: number
  readonly address: string
  /** Hardware address as hexadecimal digits. */
  readonly mac: string
}

export interface ForwardingEntry {
  readonly bridge: number
  /** Interface number. */
  readonly port: number
  readonly mac: string
}

const RTM = { newNeighbour: 28, deleteNeighbour: 29 } as const
const NDMSG = { family: 0, ifindex: 4, state: 8, size: 12 } as const
const NDA = { destination: 1, hardware: 2, master: 9 } as const
export const AF_BRIDGE = 7
/** The entry of a port's or the bridge's own address. */
const NUD_PERMANENT = 0x80

/** Undefined for another message, and for a neighbour whose hardware address is not known. */
export function readNeighbour(message: Message): { present: boolean; of: Neighbour } | undefined {
  const entry = readEntry(message)
  if (entry === undefined || entry.family === AF_BRIDGE) return undefined
  const { ifindex, destination, mac } = entry
  if (destination === undefined || mac === '') return undefined
  return { present: entry.present, of: { ifindex, address: destination, mac } }
}

/** Undefined for another message, and for an address of the bridge or a port itself. */
export function readForwarding(message: Message): { present: boolean; of: ForwardingEntry } | undefined {
  const entry = readEntry(message)
  if (entry === undefined || entry.family !== AF_BRIDGE || entry.master === 0 || entry.mac === '') return undefined
  if (entry.state & NUD_PERMANENT) return undefined
  return { present: entry.present, of: { bridge: entry.master, port: entry.ifindex, mac: entry.mac } }
}

function readEntry({ type, view, body, end }: Message) {
  if ((type !== RTM.newNeighbour && type !== RTM.deleteNeighbour) || end - body < NDMSG.size) return undefined
  let destination: string | undefined
  let mac = ''
  let master = 0
  for (const attribute of attributes(view, body + NDMSG.size, end)) {
    if (attribute.type === NDA.destination) destination = address(view, attribute)
    else if (attribute.type === NDA.hardware) mac = hexOf(view, attribute.at, attribute.end)
    else if (attribute.type === NDA.master) master = view.getUint32(attribute.at, true)
  }
  const family = view.getUint8(body + NDMSG.family)
  const ifindex = view.getInt32(body + NDMSG.ifindex, true)
  const state = view.getUint16(body + NDMSG.state, true)
  return { present: type === RTM.newNeighbour, family, ifindex, state, destination, mac, master }
}

function hexOf(view: DataView, from: number, to: number): string {
  return Buffer.from(view.buffer, view.byteOffset + from, to - from).toString('hex')
}
