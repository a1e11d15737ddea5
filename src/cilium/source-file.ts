// SPDX-License-Identifier: Apache-2.0
/**
 * source-file.ts - the source file of Cilium's datapath that dropped a packet, by the id in a DropNotify.
 *
 * Out:   a file name (cilium/cilium bpf/lib/source_info.h, 1.19).
 */

const PROGRAMS_FROM = 1
const PROGRAMS = [
  'bpf_host.c',
  'bpf_lxc.c',
  'bpf_overlay.c',
  'bpf_xdp.c',
  'bpf_sock.c',
  'bpf_network.c',
  'bpf_wireguard.c',
] as const

const HEADERS_FROM = 101
const HEADERS = [
  'drop.h',
  'srv6.h',
  'icmp6.h',
  'nodeport.h',
  'lb.h',
  'mcast.h',
  'ipv4.h',
  'conntrack.h',
  'local_delivery.h',
  'trace.h',
  'encap.h',
  'host_firewall.h',
  'nodeport_egress.h',
  'ipv6.h',
  'classifiers.h',
] as const

/** The name of a file; `unknown(<id>)` if the id has none. */
export function sourceFile(id: number): string {
  return PROGRAMS[id - PROGRAMS_FROM] ?? HEADERS[id - HEADERS_FROM] ?? `unknown(${id})`
}
