// SPDX-License-Identifier: Apache-2.0
/**
 * kernel-drop.ts - kernel drop reasons as Cilium's drop reasons.
 *
 * In:    a name of enum skb_drop_reason without its prefix.
 * Out:   Cilium's code for the same cause, so that Hubble clients show a reason they know; 0 if Cilium has none. The
 *        flow's file field holds the kernel's name in both cases.
 */

const CODES: Readonly<Record<string, number>> = {
  IP_CSUM: 153,
  IP_INNOROUTES: 169,
  IP_INADDRERRORS: 132,
  IP_INVALID_SOURCE: 132,
  IP_NOPROTO: 142,
  IP_OUTNOROUTES: 169,
  IP_RPFILTER: 132,
  NEIGH_CREATEFAIL: 151,
  NEIGH_FAILED: 151,
  NETFILTER_DROP: 133,
  PKT_TOO_BIG: 136,
  PKT_TOO_SMALL: 134,
  SKB_CSUM: 154,
  TCP_CSUM: 154,
  UDP_CSUM: 154,
  ICMP_CSUM: 154,
  UNHANDLED_PROTO: 139,
}

/** NETFILTER_DROP is 133, policy denied: a firewall rule is a policy. */
export function ciliumDropReason(kernelReason: string): number {
  return CODES[kernelReason] ?? 0
}

/** Whether a flow's file name is a kernel drop reason; else it is one of Cilium's source files. */
export function isKernelReason(fileName: string): boolean {
  return /^[A-Z0-9_]+$/.test(fileName)
}
