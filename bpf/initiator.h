/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * initiator.h - which side opened a connection whose first packets were not seen.
 *
 * In:    the first packet seen, the sockets of the pod behind the interface or of the node, Services,
 *        and the range of ports that the kernel gives to clients.
 * Out:   the initiator, and whether it is known. A lower port proves nothing.
 * Never: decides again later: the counts of one connection would be split.
 */
#pragma once

#include "connection.h"
#include "kernel.h"
#include "packet.h"
#include "pod_interface.h"
#include "weir.h"

#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/types.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* net.ipv4.ip_local_port_range of the node, and when Weir started. */
const volatile __u32 ephemeral_first = 32768;
const volatile __u32 ephemeral_last = 60999;
const volatile __u64 started_ns = 0;
/* After this time a UDP packet without an entry opens a connection: entries idle for so long expire. */
#define UDP_UNSEEN_NS 60000000000ULL

#define HOST 1 /* identity of the node's own addresses */

/* The network namespace behind each pod interface, as its id in the watched one. About 60 B an
 * entry. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, __s32);
} pod_netns SEC(".maps");

#define SOCKET_NONE 0
#define SOCKET_LISTENS 1
#define SOCKET_CONNECTED 2

/* The TCP socket at side `a` for this peer, or one that listens for `any_peer`. */
static __noinline int find_socket(struct __sk_buff *skb, const struct flow_key *key, __s32 netns,
				  __u32 any_peer)
{
	struct bpf_sock_tuple tuple = {};
	const __u32 *a = (const void *)key->a, *b = (const void *)key->b;
	__u32 size = sizeof(tuple.ipv6), state;
	struct bpf_sock *socket;

	if (!a[0] && !a[1] && a[2] == bpf_htonl(0xffff)) {
		size = sizeof(tuple.ipv4);
		tuple.ipv4.daddr = a[3];
		tuple.ipv4.saddr = any_peer ? 0 : b[3];
		tuple.ipv4.dport = bpf_htons(key->a_port);
		tuple.ipv4.sport = any_peer ? 0 : bpf_htons(key->b_port);
	} else {
		__builtin_memcpy(tuple.ipv6.daddr, a, sizeof(tuple.ipv6.daddr));
		if (!any_peer)
			__builtin_memcpy(tuple.ipv6.saddr, b, sizeof(tuple.ipv6.saddr));
		tuple.ipv6.dport = bpf_htons(key->a_port);
		tuple.ipv6.sport = any_peer ? 0 : bpf_htons(key->b_port);
	}
	socket = bpf_skc_lookup_tcp(skb, &tuple, size, netns, 0);
	if (!socket)
		return SOCKET_NONE;
	state = socket->state;
	bpf_sk_release(socket);
	return state == BPF_TCP_LISTEN ? SOCKET_LISTENS : SOCKET_CONNECTED;
}

/* Where the sockets of side `a` are. Returns 0 when that is not known: behind an uplink are the
 * node's own sockets and others. */
static __always_inline int find_netns(struct __sk_buff *ctx, const struct flow_key *key,
				      const struct connection *c, __s32 *netns)
{
	struct sk_buff *skb = (void *)ctx;
	__s32 *found;

	*netns = BPF_F_CURRENT_NETNS;
	if (BPF_CORE_READ(skb, dev, nd_net.net, ns.inum) != watched_netns)
		return 1; /* at the pod's own side */
	if (c->hook == HOOK_UPLINK)
		return c->a.identity == HOST;
	found = bpf_map_lookup_elem(&pod_netns, &key->ifindex);
	if (found)
		*netns = *found;
	return found != 0;
}

static __always_inline int is_ephemeral(__u16 port)
{
	return port >= ephemeral_first && port <= ephemeral_last;
}

/* A socket that listens at the port accepted the connection; one without, at a port for clients,
 * connected. At another port its listener may have closed meanwhile. Returns 0 when side `a` has no
 * socket: its addresses may be those of a virtual machine. */
static __always_inline int ask_sockets(struct __sk_buff *skb, const struct flow_key *key,
				       struct connection *c)
{
	__s32 netns;
	int socket;

	if (key->proto != IPPROTO_TCP || !find_netns(skb, key, c, &netns))
		return 0;
	socket = find_socket(skb, key, netns, 0);
	if (socket == SOCKET_NONE)
		return 0;
	if (socket == SOCKET_LISTENS || find_socket(skb, key, netns, 1) == SOCKET_LISTENS)
		c->initiator = DIR_B_TO_A;
	else if (is_ephemeral(key->a_port))
		c->initiator = DIR_A_TO_B;
	else
		c->initiator_unknown = 1;
	return 1;
}

/* Sets the initiator of an entry from its first packet, which `direction` sent. */
static __noinline int find_initiator(struct __sk_buff *skb, const struct flow_key *key,
				     struct connection *c, const struct packet *p, __u32 direction)
{
	__u8 to_client;

	if (!key || !c || !p)
		return 0;
	if (c->state == STATE_RELATED || (p->proto == IPPROTO_TCP && p->tcp_flags & TCP_SYN))
		return 0; /* set by init_state() */
	if (p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP)
		return 0;
	if (peer_info(c)->flags & INFO_SERVICE) {
		c->initiator = is_peer_a(c) ? DIR_B_TO_A : DIR_A_TO_B;
		return 0;
	}
	if (ask_sockets(skb, key, c))
		return 0;
	to_client = is_ephemeral(p->dst_port);
	if (to_client != is_ephemeral(p->src_port)) {
		c->initiator = to_client ? !direction : direction;
	} else {
		c->initiator = direction;
		c->initiator_unknown =
		    p->proto == IPPROTO_TCP || since(c->first_ns, started_ns) < UDP_UNSEEN_NS;
	}
	/* an answer: the connection is older than its entry */
	if (p->proto == IPPROTO_UDP && c->initiator != (direction & 1)) {
		c->opening_seen = 0;
		c->events = LANE(EVENT_ADOPTED);
	}
	return 0;
}
