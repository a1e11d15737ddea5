// SPDX-License-Identifier: Apache-2.0
/**
 * tunnel-port.ts - the tunnel protocol after a UDP header inside another tunnel, by port.
 *
 * Out:   the tunnel that Hubble's decoder reads there. For the outer packet the record's flags decide, not the ports.
 *        The destination port is looked up first, the source port only if the destination port has no protocol
 *        (gopacket layers/{udp,ports}.go).
 */

export type TunnelName = 'VXLAN' | 'Geneve'

const TUNNELS: Readonly<Record<number, TunnelName>> = { 4789: 'VXLAN', 6081: 'Geneve' }
/** Ports of protocols that gopacket knows but Hubble does not decode: DNS, DHCP, NTP, RADIUS, GTP, SIP and others. */
const OTHER_PORTS: ReadonlySet<number> = new Set([
  53, 67, 68, 123, 546, 547, 623, 666, 1000, 1812, 2123, 2152, 3784, 5060, 6343,
])

export function tunnelOf(source: number, destination: number): TunnelName | undefined {
  return TUNNELS[destination] ?? (OTHER_PORTS.has(destination) ? undefined : TUNNELS[source])
}
