/**
 * tunnel-port.ts - the tunnel that a UDP port stands for, where a tunnel's inside is a tunnel again.
 *
 * Out:   what Hubble's decoder reads behind a UDP header inside a tunnel; outside of one only the record's flags count.
 *        The destination port decides, and the source port where the destination's is nobody's
 *        (gopacket layers/{udp,ports}.go).
 */

export type TunnelName = 'VXLAN' | 'Geneve'

const TUNNELS: Readonly<Record<number, TunnelName>> = { 4789: 'VXLAN', 6081: 'Geneve' }
/** Ports of protocols that gopacket knows and Hubble has no decoder for: DNS, DHCP, NTP, RADIUS, GTP, SIP and others. */
const OTHERS: ReadonlySet<number> = new Set([
  53, 67, 68, 123, 546, 547, 623, 666, 1000, 1812, 2123, 2152, 3784, 5060, 6343,
])

export function tunnelOf(source: number, destination: number): TunnelName | undefined {
  return TUNNELS[destination] ?? (OTHERS.has(destination) ? undefined : TUNNELS[source])
}
