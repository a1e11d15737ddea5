/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * parse.h - addresses, ports and flags of a packet: one rule for the tc programs and for freed packets.
 *
 * In:    a tc context. Its linear part is extended only when the headers are not all in it. Or the
 *        linear part of a freed packet in kernel memory, see skb.h.
 * Out:   struct packet, from the sender's side.
 * Fail:  the enum counter for an ignored packet. A truncated transport header is no failure: the
 *        packet counts with the ports it has.
 */
#pragma once

#include "counters.h"
#include "packet.h"
#include "weir.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#ifndef IPPROTO_HOPOPTS
#define IPPROTO_HOPOPTS 0
#endif

#define HEADERS_MAX 128
#define IPV6_EXTENSIONS_MAX 6
/* At least their greatest length, 40 + 6 * 2048. */
#define IPV6_EXTENSIONS_MASK 0x3fff

/* Fields of the IPv6 fragment header's offset word (RFC 8200 section 4.5). */
#define IPV6_FRAGMENT_OFFSET 0xfff8
#define IPV6_MORE_FRAGMENTS 0x0001

struct fragment_key {
	__u32 src[4];
	__u32 dst[4];
	__u32 id;
	__u32 proto;
};

struct fragment_ports {
	__u16 src_port;
	__u16 dst_port;
};

/* 56 B an entry. The oldest is evicted first, which loses no packet: a fragment without an entry
 * still counts, without ports. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct fragment_key);
	__type(value, struct fragment_ports);
} fragments SEC(".maps");

/* Where header_at() finds a packet. Constants, so that each program has its own way only. */
#define IN_PACKET 0 /* a tc context: between `at` and `end` */
#define IN_KERNEL 1 /* a freed packet: `linear` bytes of kernel memory from `at` on */

/* A packet from its IP header on. */
struct headers {
	const __u8 *at;
	const void *end;
	__u32 linear;
	__u32 total; /* length of the packet, then that in the IP header: what follows is padding */
	__u8 copy[40];
};

/* `n` bytes at an offset, or NULL when the packet ends before them. IN_KERNEL: valid until the next
 * call. */
static __always_inline const __u8 *header_at(struct headers *h, __u32 place, __u32 offset, __u32 n)
{
	const __u8 *at = h->at + offset;

	if (offset + n > h->total)
		return NULL;
	if (place == IN_PACKET)
		return (void *)(at + n) > h->end ? NULL : at;
	return offset + n > h->linear || bpf_probe_read_kernel(h->copy, n, at) ? NULL : h->copy;
}

/* Ports as in struct flow_key. Without a header of the packet's own family this is no message. */
static __always_inline void parse_icmp(struct packet *p, struct headers *h, __u32 place, __u32 at)
{
	__u8 echo = p->ipv6 ? ICMP6_ECHO : ICMP4_ECHO;
	__u8 reply = p->ipv6 ? ICMP6_ECHO_REPLY : ICMP4_ECHO_REPLY;
	const __u8 *icmp = header_at(h, place, at, 4);

	p->related = 1;
	if (!icmp || p->proto != (p->ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP)) {
		p->src_port = p->dst_port = PORT_NO_MESSAGE;
		return;
	}
	p->icmp_type = icmp[0];
	p->dst_port = icmp[0] << 8 | icmp[1];
	if (icmp[0] != echo && icmp[0] != reply)
		return;
	icmp = header_at(h, place, at, 8);
	if (!icmp)
		return; /* an echo without an identifier belongs to no connection */
	p->related = 0;
	if (icmp[0] == echo) {
		p->src_port = icmp[4] << 8 | icmp[5];
	} else {
		p->dst_port = icmp[4] << 8 | icmp[5];
		p->src_port = echo << 8;
		p->echo_reply = 1;
	}
}

static __always_inline void parse_transport(struct packet *p, struct headers *h, __u32 place,
					    __u32 at)
{
	const __u8 *l4;

	switch (p->proto) {
	case IPPROTO_TCP:
		l4 = header_at(h, place, at, 14);
		if (l4)
			p->tcp_flags = l4[13];
		/* fallthrough: the ports have the same offset */
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
		l4 = header_at(h, place, at, 4);
		if (!l4)
			return;
		p->src_port = bpf_ntohs(*(__u16 *)l4);
		p->dst_port = bpf_ntohs(*(__u16 *)(l4 + 2));
		return;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		parse_icmp(p, h, place, at);
		return;
	}
}

/* Ports of a fragmented datagram: the first fragment stores them for the later ones. A freed one
 * stores nothing: a program at an interface has seen it, or no later one follows. */
static __noinline int set_fragment_ports(struct packet *p, __u32 id, __u32 first, __u32 place)
{
	struct fragment_key key = {.id = id};
	struct fragment_ports ports = {}, *found;

	if (!p)
		return 0;
	key.proto = p->proto;
	__builtin_memcpy(key.src, p->src, sizeof(key.src));
	__builtin_memcpy(key.dst, p->dst, sizeof(key.dst));
	if (first && place == IN_KERNEL)
		return 0;
	if (first) {
		ports.src_port = p->src_port;
		ports.dst_port = p->dst_port;
		/* if this fails, later fragments count as FRAGMENT_UNKNOWN */
		return bpf_map_update_elem(&fragments, &key, &ports, BPF_ANY);
	}
	if (p->proto == IPPROTO_ICMP || p->proto == IPPROTO_ICMPV6) {
		p->src_port = p->dst_port = PORT_NO_MESSAGE;
		p->related = 1;
		return 0;
	}
	found = bpf_map_lookup_elem(&fragments, &key);
	if (!found) {
		p->related = 1;
		if (place == IN_PACKET)
			count(FRAGMENT_UNKNOWN, 0);
		return 0;
	}
	p->src_port = found->src_port;
	p->dst_port = found->dst_port;
	return 0;
}

static __always_inline int parse_ipv4(struct packet *p, struct headers *h, __u32 place)
{
	const struct iphdr *ip = (const void *)header_at(h, place, 0, sizeof(*ip));
	__u32 size, frag, id;

	if (!ip)
		return IGNORED_TOO_SHORT;
	if (ip->version != 4)
		return IGNORED_MALFORMED;
	set_ipv4(p, ip);
	size = ip->ihl * 4;
	id = ip->id;
	frag = bpf_ntohs(ip->frag_off) & (IP_FRAGMENT_OFFSET | IP_MORE_FRAGMENTS);
	if (ip->tot_len) /* 0: a GSO packet above 64 KiB */
		h->total = bpf_ntohs(ip->tot_len);
	if (size < sizeof(*ip) || h->total < size)
		return IGNORED_MALFORMED;
	if (!(frag & IP_FRAGMENT_OFFSET))
		parse_transport(p, h, place, size);
	if (frag)
		set_fragment_ports(p, id, !(frag & IP_FRAGMENT_OFFSET), place);
	return 0;
}

/* Return and change nothing. Global functions, so the verifier knows nothing of the result: it checks
 * what follows once, not again for each way through the headers. */
__noinline __u32 any_number(__u32 number)
{
	asm volatile("" : "+r"(number));
	return number;
}

__noinline int any_packet(struct packet *p)
{
	asm volatile("" : : "r"(p) : "memory");
	return 0;
}

/* Walks the extension headers (RFC 8200 section 4). */
static __always_inline int parse_ipv6(struct packet *p, struct headers *h, __u32 place)
{
	const struct ipv6hdr *ip = (const void *)header_at(h, place, 0, sizeof(*ip));
	__u32 id = 0, frag = 0; /* offset and more-fragments bit */
	__u32 at = sizeof(*ip);
	__u8 next;

	if (!ip)
		return IGNORED_TOO_SHORT;
	if (ip->version != 6)
		return IGNORED_MALFORMED;
	set_ipv6(p, ip);
	next = ip->nexthdr;
	if (ip->payload_len || h->total <= 0xffff) /* else a jumbogram, or a GSO packet */
		h->total = sizeof(*ip) + bpf_ntohs(ip->payload_len);
#pragma unroll
	for (int i = 0; i < IPV6_EXTENSIONS_MAX; i++) {
		const __u8 *extension;
		__u32 size;

		if (next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS ||
		    next == IPPROTO_AH) {
			extension = header_at(h, place, at, 2);
			if (!extension)
				break;
			size = next == IPPROTO_AH ? (extension[1] + 2) * 4 : (extension[1] + 1) * 8;
		} else if (next == IPPROTO_FRAGMENT) {
			extension = header_at(h, place, at, 8);
			if (!extension)
				break;
			frag = bpf_ntohs(*(__u16 *)(extension + 2)) &
			       (IPV6_FRAGMENT_OFFSET | IPV6_MORE_FRAGMENTS);
			id = *(__u32 *)(extension + 4);
			size = 8;
		} else {
			break;
		}
		next = extension[0];
		at += size;
		if (frag & IPV6_FRAGMENT_OFFSET)
			break; /* a later fragment: no transport header follows */
	}
	if (at > sizeof(*ip)) {
		at = any_number(at) & IPV6_EXTENSIONS_MASK;
		frag = any_number(frag);
		id = any_number(id);
		next = any_number(next);
	}
	p->proto = next;
	if (!(frag & IPV6_FRAGMENT_OFFSET))
		parse_transport(p, h, place, at);
	if (frag)
		set_fragment_ports(p, id, !(frag & IPV6_FRAGMENT_OFFSET), place);
	return 0;
}

static __always_inline int is_vlan(__u16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD);
}

/* The first header of a packet. */
#define FRAMED 0 /* Ethernet */
#define BARE 1	 /* IP: a tunnel, PPP */

/* Returns 0, or the enum counter of an ignored packet. `framing` is a constant. */
static __always_inline int parse(struct __sk_buff *skb, struct packet *p, __u32 framing)
{
	const __u8 *data = (void *)(long)skb->data;
	const void *end = (void *)(long)skb->data_end;
	const __u32 l2 = framing == BARE ? 0 : ETH_HLEN;
	const __u8 *l3 = data + l2;
	struct headers h = {.total = skb->len};
	__u32 ignored;
	__u16 ethertype;

	if ((void *)(l3 + sizeof(struct ipv6hdr) + sizeof(struct tcphdr)) > end &&
	    skb->len > (__u32)((long)end - (long)data)) {
		/* fails only when memory is short: then only the linear part is parsed */
		bpf_skb_pull_data(skb, skb->len < HEADERS_MAX ? skb->len : HEADERS_MAX);
		data = (void *)(long)skb->data;
		end = (void *)(long)skb->data_end;
		l3 = data + l2;
	}
	if ((void *)l3 > end)
		return IGNORED_TOO_SHORT;
	ethertype = framing == BARE ? skb->protocol : *(__u16 *)(data + 12);
#pragma unroll
	for (int i = 0; i < 2; i++) { /* 802.1Q inside 802.1ad */
		if (!is_vlan(ethertype))
			break;
		if ((void *)(l3 + 4) > end)
			return IGNORED_TOO_SHORT;
		ethertype = *(__u16 *)(l3 + 2);
		l3 += 4;
	}
	h.at = l3;
	h.end = end;
	if (ethertype == bpf_htons(ETH_P_IP))
		ignored = parse_ipv4(p, &h, IN_PACKET);
	else if (ethertype == bpf_htons(ETH_P_IPV6))
		ignored = parse_ipv6(p, &h, IN_PACKET);
	else
		return ethertype == bpf_htons(ETH_P_ARP) ? IGNORED_ARP : IGNORED_OTHER;
	any_packet(p);
	return ignored;
}
