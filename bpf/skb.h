/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * skb.h - headers and length of a packet that the kernel frees.
 *
 * In:    struct sk_buff at any layer: skb->data may be past some headers already.
 * Out:   struct packet by the rules of parse.h, and the packet's bytes for the record.
 */
#pragma once

#include "kernel.h"
#include "packet.h"
#include "parse.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define NO_HEADER 0xffff
#define DROP_CAPTURE 128

/* Copies the packet from its network header on, as far as it is linear. Returns the length. */
static __always_inline __u32 copy_headers(const struct sk_buff *skb, __u8 *to)
{
	__u32 at = skb->network_header, n = skb->tail - at;

	if (skb->tail <= at)
		return 0;
	if (n > DROP_CAPTURE)
		n = DROP_CAPTURE;
	asm volatile("" : "+r"(n)); /* keeps the bound in the register that the verifier checked */
	if (n > DROP_CAPTURE || bpf_probe_read_kernel(to, n, skb->head + at))
		return 0;
	return n;
}

/* The same rule as for packets at an interface, then ICMP as type << 8 | code in dst_port. A
 * malformed header that has addresses is enough for a drop. Returns 0 when this is not IP. */
static __always_inline int parse_freed(struct packet *p, const struct sk_buff *skb)
{
	__u32 at = skb->network_header, linear = skb->tail - at;
	struct headers h = {
	    .at = skb->head + at,
	    .linear = skb->tail <= at ? 0 : linear,
	    .total = skb->len + (__u32)(skb->data - skb->head) - at,
	};
	int ignored;

	if (skb->protocol == bpf_htons(ETH_P_IP))
		ignored = parse_ipv4(p, &h, IN_KERNEL);
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		ignored = parse_ipv6(p, &h, IN_KERNEL);
	else
		return 0;
	if (ignored && !(p->src[2] | p->dst[2]))
		return 0;
	if (p->proto != IPPROTO_ICMP && p->proto != IPPROTO_ICMPV6)
		return 1;
	if (p->src_port == PORT_NO_MESSAGE && p->dst_port == PORT_NO_MESSAGE)
		p->dst_port = 0;
	else if (p->echo_reply)
		p->dst_port = p->icmp_type << 8;
	p->src_port = 0;
	return 1;
}

/* skb->len shrinks as layers strip their headers; this length counts from the first header that
 * the packet still has. */
static __always_inline __u64 whole_length(const struct sk_buff *skb)
{
	__u32 data = skb->data - skb->head, first = skb->network_header;

	if (skb->mac_header != NO_HEADER && skb->mac_header < first)
		first = skb->mac_header;
	return (__u64)skb->len + data - first;
}
