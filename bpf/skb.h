/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * skb.h - headers and length of a packet that the kernel frees.
 *
 * In:    struct sk_buff at any layer: skb->data may be past some headers already.
 * Out:   struct packet with less than parse() finds, which is enough for a drop.
 */
#pragma once

#include "kernel.h"
#include "packet.h"

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

/* The mask is for the verifier: `at` is below it, since an IPv4 header has 60 bytes at most. */
static __always_inline __u16 port_at(const __u8 *bytes, __u32 at)
{
	at &= DROP_CAPTURE / 2 - 1;
	return bytes[at] << 8 | bytes[at + 1];
}

/* Ports only where the transport header directly follows the IP header: no extension headers, no
 * later fragments. ICMP has type << 8 | code as dst_port. Returns 0 when this is not IP. */
static __always_inline int parse_freed(struct packet *p, const __u8 *bytes, __u32 size,
				       __u16 ethertype)
{
	const struct iphdr *ip4 = (const void *)bytes;
	const struct ipv6hdr *ip6 = (const void *)bytes;
	__u32 l4;

	if (ethertype == bpf_htons(ETH_P_IP) && size >= sizeof(*ip4) && ip4->version == 4) {
		set_ipv4(p, ip4);
		l4 = ip4->ihl * 4;
		if (ip4->frag_off & bpf_htons(IP_FRAGMENT_OFFSET))
			return 1;
	} else if (ethertype == bpf_htons(ETH_P_IPV6) && size >= sizeof(*ip6) &&
		   ip6->version == 6) {
		set_ipv6(p, ip6);
		p->proto = ip6->nexthdr;
		l4 = sizeof(*ip6);
	} else {
		return 0;
	}
	if (size < l4 + 4)
		return 1;
	if (p->proto == IPPROTO_TCP || p->proto == IPPROTO_UDP || p->proto == IPPROTO_SCTP) {
		p->src_port = port_at(bytes, l4);
		p->dst_port = port_at(bytes, l4 + 2);
	} else if (p->proto == IPPROTO_ICMP || p->proto == IPPROTO_ICMPV6) {
		p->dst_port = port_at(bytes, l4);
	}
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

static __always_inline int is_echo_reply(const struct packet *p)
{
	return p->proto == IPPROTO_ICMP	    ? p->dst_port == ICMP4_ECHO_REPLY << 8
	       : p->proto == IPPROTO_ICMPV6 ? p->dst_port == ICMP6_ECHO_REPLY << 8
					    : 0;
}
