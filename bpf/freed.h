/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * freed.h - a packet that the kernel frees: its headers, who sent it, how long it was.
 *
 * In:    struct sk_buff at any layer: headers may be behind its data already.
 * Out:   struct packet with less than parse() finds: a drop needs the protocol and ports that stand
 * close.
 */
#pragma once

#define NO_HEADER 0xffff
#define DROP_CAPTURE 128

/* The network header and on, as far as it is linear; its length. */
static __always_inline __u32 copy_headers(const struct sk_buff *skb, __u8 *to)
{
	__u32 at = skb->network_header, n = skb->tail - at;

	if (skb->tail <= at)
		return 0;
	if (n > DROP_CAPTURE)
		n = DROP_CAPTURE;
	asm volatile("" : "+r"(n)); /* keep the bound that the verifier has just seen */
	if (n > DROP_CAPTURE || bpf_probe_read_kernel(to, n, skb->head + at))
		return 0;
	return n;
}

static __always_inline __u16 port_at(const __u8 *bytes, __u32 at)
{
	at &= DROP_CAPTURE / 2 - 1;
	return bytes[at] << 8 | bytes[at + 1];
}

static __always_inline int parse_dropped(struct packet *p, const __u8 *bytes, __u32 size,
					 __u16 ethertype)
{
	const struct iphdr *ip4 = (const void *)bytes;
	const struct ipv6hdr *ip6 = (const void *)bytes;
	__u32 l4;

	if (ethertype == bpf_htons(ETH_P_IP) && size >= sizeof(*ip4) && ip4->version == 4) {
		map_ipv4(p->src, ip4->saddr);
		map_ipv4(p->dst, ip4->daddr);
		p->proto = ip4->protocol;
		l4 = ip4->ihl * 4;
		if (ip4->frag_off & bpf_htons(IP_FRAGMENT_OFFSET))
			return 1;
	} else if (ethertype == bpf_htons(ETH_P_IPV6) && size >= sizeof(*ip6) &&
		   ip6->version == 6) {
		p->ipv6 = 1;
		__builtin_memcpy(p->src, &ip6->saddr, sizeof(p->src));
		__builtin_memcpy(p->dst, &ip6->daddr, sizeof(p->dst));
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
		p->dst_port = port_at(bytes, l4); /* type << 8 | code */
	}
	return 1;
}

/* skb->len moves with the layers; this is from the first header that the packet still has. */
static __always_inline __u64 whole_length(const struct sk_buff *skb)
{
	__u32 data = skb->data - skb->head, first = skb->network_header;

	if (skb->mac_header != NO_HEADER && skb->mac_header < first)
		first = skb->mac_header;
	return (__u64)skb->len + data - first;
}

/* An echo reply whose reader had its own copy: the kernel frees the original for want of another.
 */
static __always_inline int is_echo_reply(const struct packet *p)
{
	return p->proto == IPPROTO_ICMP	    ? p->dst_port == ICMP4_ECHO_REPLY << 8
	       : p->proto == IPPROTO_ICMPV6 ? p->dst_port == ICMP6_ECHO_REPLY << 8
					    : 0;
}
