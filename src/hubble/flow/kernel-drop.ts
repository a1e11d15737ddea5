/**
 * kernel-drop.ts - a drop of the kernel as Cilium would have called it.
 *
 * In:    a name of enum skb_drop_reason without its prefix.
 * Out:   Cilium's code for the same thing, so that a Hubble client shows it in words it knows; 0 where Cilium has no
 *        such drop. The kernel's own name is in the flow's file either way.
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

/** 133 for NETFILTER_DROP: a firewall rule is a policy. */
export function ciliumDropReason(kernelReason: string): number {
  return CODES[kernelReason] ?? 0
}

/** What tells a kernel's reason from a file of Cilium's in a flow's file name. */
export function isKernelReason(fileName: string): boolean {
  return /^[A-Z0-9_]+$/.test(fileName)
}
