// SPDX-License-Identifier: Apache-2.0
/**
 * addresses.ts - parses rtnetlink messages into the addresses of interfaces.
 *
 * In:    RTM_NEWADDR and RTM_DELADDR (linux/if_addr.h).
 * Out:   one call for each address that exists or was deleted.
 */
import { AF_INET, AF_INET6, address, attributes, type Message } from './rtnetlink.js'

export interface InterfaceAddress {
  readonly ifindex: number
  /** Canonical text. */
  readonly address: string
  /** Whether its subnet has no other address: a prefix of 32 bits for IPv4, 128 for IPv6. */
  readonly single: boolean
}

const RTM = { newAddress: 20, deleteAddress: 21 } as const
const IFADDRMSG = { family: 0, bits: 1, ifindex: 4, size: 8 } as const
/** A point-to-point address has both: LOCAL is the interface's own, ADDRESS the peer's. */
const IFA = { address: 1, local: 2 } as const
const BITS: Readonly<Record<number, number>> = { [AF_INET]: 32, [AF_INET6]: 128 }

/** Undefined for another message. */
export function readAddress(message: Message): { present: boolean; of: InterfaceAddress } | undefined {
  const { type, view, body, end } = message
  if (type !== RTM.newAddress && type !== RTM.deleteAddress) return undefined
  if (end - body < IFADDRMSG.size) return undefined
  const most = BITS[view.getUint8(body + IFADDRMSG.family)]
  let own: string | undefined
  for (const attribute of attributes(view, body + IFADDRMSG.size, end)) {
    if (attribute.type === IFA.local) own = address(view, attribute)
    else if (attribute.type === IFA.address) own ??= address(view, attribute)
  }
  if (most === undefined || own === undefined) return undefined
  const ifindex = view.getUint32(body + IFADDRMSG.ifindex, true)
  const single = view.getUint8(body + IFADDRMSG.bits) === most
  return { present: type === RTM.newAddress, of: { ifindex, address: own, single } }
}
