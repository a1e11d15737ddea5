/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * packet.h - what the programs need of a packet: addresses, ports, protocol, flags.
 *
 * Out:   struct packet, filled by parse.h.
 */
#pragma once

#include <linux/types.h>
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define IP_FRAGMENT_OFFSET 0x1fff
#define IP_MORE_FRAGMENTS 0x2000

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_CONTROL (TCP_SYN | TCP_FIN | TCP_RST)

#define ICMP4_ECHO 8
#define ICMP4_ECHO_REPLY 0
#define ICMP6_ECHO 128
#define ICMP6_ECHO_REPLY 129

/* Both ports of an ICMP packet that is no message: a later fragment, a truncated one, ICMP for IPv4
 * in IPv6 or the reverse. */
#define PORT_NO_MESSAGE 0xffff

struct packet {
	__u32 src[4];
	__u32 dst[4];
	__u16 src_port;
	__u16 dst_port;
	__u8 proto;
	__u8 ipv6;
	__u8 tcp_flags;
	__u8 icmp_type;
	__u8 related;	 /* belongs to no connection of its own */
	__u8 echo_reply; /* the receiver is the initiator */
};

/* ::ffff:a.b.c.d, as four words in memory order */
static __always_inline void map_ipv4(__u32 *to, __u32 addr_be)
{
	to[0] = 0;
	to[1] = 0;
	to[2] = bpf_htonl(0xffff);
	to[3] = addr_be;
}

static __always_inline void set_ipv4(struct packet *p, const struct iphdr *ip)
{
	map_ipv4(p->src, ip->saddr);
	map_ipv4(p->dst, ip->daddr);
	p->proto = ip->protocol;
}

/* Not `proto`: the next header may be an extension header. */
static __always_inline void set_ipv6(struct packet *p, const struct ipv6hdr *ip)
{
	p->ipv6 = 1;
	__builtin_memcpy(p->src, &ip->saddr, sizeof(p->src));
	__builtin_memcpy(p->dst, &ip->daddr, sizeof(p->dst));
}

static __always_inline int has_ports(__u8 proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE ||
	       proto == IPPROTO_SCTP;
}
