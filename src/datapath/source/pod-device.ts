// SPDX-License-Identifier: Apache-2.0
/**
 * pod-device.ts - which interfaces in a pod's network namespace are in no pair with an interface of the node.
 *
 * In:    the interfaces and addresses of a namespace.
 * Out:   macvlan, ipvlan and VLAN devices on a parent elsewhere, and hardware such as SR-IOV functions, if the namespace
 *        is that of a pod or container of this node. It is if a parent is the node's, if it has one side of a pair with a
 *        pod's interface of the node, or an address of a pod of this node.
 * Never: a bridge, tunnel, VLAN or macvlan on another device of the same namespace: the packets pass that device as well.
 */
import { type InterfaceAddress, readAddress } from './addresses.js'
import { type Link, readLink } from './links.js'
import type { NamespaceContents } from './native.js'
import { messages } from './rtnetlink.js'

export interface PodDevice {
  readonly ifindex: number
  readonly name: string
  /** `macvlan`, `ipvlan`, ...; empty for hardware. */
  readonly kind: string
  readonly l3s: boolean
  /** The parent, if it is an interface of the node; otherwise 0. */
  readonly parent: number
  readonly addresses: readonly string[]
  /** The addresses that show which pod it is: its own, otherwise all of the namespace. */
  readonly podAddresses: readonly string[]
}

export interface NodeView {
  /** Whether an interface of the node is watched as a pod's. */
  isPodInterface(ifindex: number): boolean
  /** Whether an address is that of a pod of this node. */
  isLocalPod(address: string): boolean
}

/** Numbers of such interfaces start here: the kernel's own are below. */
export const FIRST_DEVICE_NUMBER = 2 ** 31
/** ARPHRD_ETHER. */
const ETHERNET = 1
const PAIRS: readonly string[] = ['veth', 'netkit']
/** Received packets go to a file descriptor, past all hooks. */
const UNSEEN: readonly string[] = ['macvtap', 'ipvtap']
/** Of every interface, or of one link only. */
const ANYWHERE = /^(127\.|::1$|169\.254\.|fe[89ab][0-9a-f]:)/

export function podDevices({ messages: bytes, nodeId }: NamespaceContents, node: NodeView): PodDevice[] {
  const { links, addresses } = parse(bytes)
  const isAtNode = (link: Link) => link.peerInOtherNetns && nodeId >= 0 && link.peerNetnsId === nodeId
  const devices = links.filter(isDevice)
  if (devices.length === 0) return []
  const isPods =
    devices.some(isAtNode) ||
    links.some(link => PAIRS.includes(link.kind) && isAtNode(link) && node.isPodInterface(link.peerIfindex)) ||
    addresses.some(({ address }) => node.isLocalPod(address))
  if (!isPods) return []
  return devices.map(link => {
    const { ifindex, name, kind, l3s } = link
    const parent = isAtNode(link) ? link.peerIfindex : 0
    return { ifindex, name, kind, l3s, parent, ...addressesOf(link, addresses, node) }
  })
}

/** A side of a pair is the business of the other side. */
function isDevice({ hardware, kind, peerInOtherNetns }: Link): boolean {
  if (hardware !== ETHERNET || UNSEEN.includes(kind) || PAIRS.includes(kind)) return false
  return peerInOtherNetns || kind === ''
}

function addressesOf({ ifindex }: Link, all: readonly InterfaceAddress[], node: NodeView) {
  const useful = all.filter(({ address }) => !ANYWHERE.test(address))
  const textsOf = (list: readonly InterfaceAddress[]) => list.map(({ address }) => address).sort()
  const addresses = textsOf(useful.filter(each => each.ifindex === ifindex))
  const podAddresses = addresses.some(address => node.isLocalPod(address)) ? addresses : textsOf(useful)
  return { addresses, podAddresses }
}

function parse(bytes: Uint8Array) {
  const links: Link[] = []
  const addresses: InterfaceAddress[] = []
  for (const message of messages(bytes, bytes.length)) {
    const link = readLink(message)
    const address = link === undefined ? readAddress(message) : undefined
    if (link !== undefined) links.push(link.of)
    if (address !== undefined) addresses.push(address.of)
  }
  return { links, addresses }
}
