/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * track.h - one packet into its connection: count it, follow the state, report what changed.
 *
 * Out:   `connections`, `overflow`, and a record on the ring for the first packet, a TCP control
 *        flag not seen before, the first reply, the end of the handshake and the close.
 * Never: reads a clock for a data packet of an established TCP connection.
 */
#pragma once

#include "connection.h"
#include "counters.h"
#include "initiator.h"
#include "ip_cache.h"
#include "life.h"
#include "overflow.h"
#include "packet.h"
#include "parse.h"
#include "pod_device.h"
#include "report.h"
#include "state.h"
#include "translation.h"
#include "weir.h"

#include <linux/bpf.h>
#include <linux/errno.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include <stddef.h>

#define NO_MESSAGE 0xff /* overflow detail of an ICMP packet that is no message */

static __noinline struct connection *new_connection(struct __sk_buff *skb,
						    const struct flow_key *key,
						    const struct packet *p, __u32 hook_direction)
{
	struct track_scratch *s = scratch();

	if (!s || !key || !p)
		return NULL;
	__builtin_memset(&s->entry, 0, sizeof(s->entry));
	s->entry.first_ns = s->entry.last_ns = bpf_ktime_get_ns();
	s->entry.hook = hook_direction >> 1;
	init_state(&s->entry, p, hook_direction & 1);
	look_up_a(&s->entry.a, key->a, key->ifindex, s->entry.hook);
	look_up(&s->entry.b, key->b);
	set_peer(&s->entry, key);
	find_initiator(skb, key, &s->entry, p, hook_direction & 1);
	defer(&s->entry, s->entry.first_ns);
	/* -EEXIST: another CPU was first; its entry will do */
	bpf_map_update_elem(&connections, key, &s->entry, BPF_NOEXIST);
	return bpf_map_lookup_elem(&connections, key);
}

/* Whether an address belongs to another entity than when the connection opened. */
static __noinline int is_renamed(const struct connection *c, const struct flow_key *key)
{
	struct ip_info a = {}, b = {};

	if (!c || !key)
		return 0;
	look_up_a(&a, address_a(c, key), key->ifindex, c->hook);
	look_up(&b, address_b(c, key));
	return a.entity != c->a.entity || b.entity != c->b.entity;
}

/* Whether a SYN opens another connection of the same ports. */
static __always_inline int is_finished(const struct connection *c)
{
	return c->state == STATE_CLOSED || c->state == STATE_UNANSWERED ||
	       (c->state == STATE_CLOSING && c->seen[0] & c->seen[1] & TCP_FIN);
}

/* The ports are in use again. The address may have a new owner, or the Service another backend: then
 * it is not the same connection. */
static __noinline int reuse(struct __sk_buff *skb, const struct flow_key *key, struct connection *c)
{
	if (!key || !c)
		return 0;
	if (c->translation == NAT_TRANSLATED || peer_info(c)->flags & INFO_TRANSLATABLE)
		return restart_translation(skb, key, c);
	if (c->state != STATE_CLOSING && is_renamed(c, key))
		evict(c, bpf_ktime_get_ns());
	return 0;
}

/* See struct overflow_key. */
static __always_inline __u8 overflow_detail(const struct packet *p)
{
	if (p->proto == IPPROTO_TCP) {
		__u8 detail = 0;

		if (p->tcp_flags & TCP_SYN)
			detail |= 1 << (p->tcp_flags & TCP_ACK ? FLAG_SYN_ACK : FLAG_SYN);
		if (p->tcp_flags & TCP_FIN)
			detail |= 1 << FLAG_FIN;
		if (p->tcp_flags & TCP_RST)
			detail |= 1 << FLAG_RST;
		return detail;
	}
	return p->src_port == PORT_NO_MESSAGE && p->dst_port == PORT_NO_MESSAGE ? NO_MESSAGE
										: p->icmp_type;
}

/* A packet without an entry in the connection table: counted by entity instead. `dead`: its entry,
 * if it had one, knows the peer's own address. */
static __noinline int overflow_packet(const struct flow_key *key, const struct packet *p,
				      __u32 hook_direction, __u32 bytes,
				      const struct connection *dead)
{
	struct ip_info a = {}, b = {};
	struct overflow_key target;

	if (!key || !p)
		return 0;
	look_up_a(&a, dead ? address_a(dead, key) : key->a, key->ifindex, hook_direction >> 1);
	look_up(&b, dead ? address_b(dead, key) : key->b);
	target = overflow_key_of(&a, &b, p->proto, hook_direction >> 1, hook_direction & 1);
	target.size = size_class(bytes);
	target.detail = overflow_detail(p);
	return overflow_add(&target, 1, bytes);
}

static __always_inline void set_key(struct flow_key *key, const struct packet *p, __u8 direction)
{
	const __u32 *a = direction == DIR_A_TO_B ? p->src : p->dst;
	const __u32 *b = direction == DIR_A_TO_B ? p->dst : p->src;

	__builtin_memcpy(key->a, a, sizeof(key->a));
	__builtin_memcpy(key->b, b, sizeof(key->b));
	key->a_port = direction == DIR_A_TO_B ? p->src_port : p->dst_port;
	key->b_port = direction == DIR_A_TO_B ? p->dst_port : p->src_port;
	key->proto = p->proto;
}

/* HOT: every packet of every interface; bench `packet`. `ifindex`: where the packet counts. */
static __always_inline int track_at(struct __sk_buff *skb, __u32 ifindex, __u8 hook, __u8 direction,
				    __u32 seen, __u32 framing)
{
	struct packet p = {};
	struct flow_key key = {.ifindex = ifindex};
	struct connection *c;
	__u32 bytes = skb->len, size, ignored, opened = 0;
	__u64 previous;

	count(seen, bytes);
	ignored = parse(skb, &p, framing);
	if (ignored) {
		count(ignored, bytes);
		return TC_ACT_UNSPEC;
	}
	set_key(&key, &p, direction);
	c = bpf_map_lookup_elem(&connections, &key);
	if (!c && hook == HOOK_UPLINK && pod_ends_watched && is_counted_at_child(&key)) {
		count(IGNORED_AT_PARENT, bytes);
		return TC_ACT_UNSPEC;
	}
	if (!c) {
		c = new_connection(skb, &key, &p, hook << 1 | direction);
		opened = 1;
	}
	if (c && p.tcp_flags & TCP_SYN && p.proto == IPPROTO_TCP && !(p.tcp_flags & TCP_ACK) &&
	    is_finished(c))
		reuse(skb, &key, c);
	if (!c || !keep_alive(&c->life)) {
		overflow_packet(&key, &p, hook << 1 | direction, bytes, c);
		/* last: a reader of this counter then finds the packet in overflow */
		count(c ? OVERFLOWS : CONNECTIONS_FULL, bytes);
		return TC_ACT_UNSPEC;
	}
	if (direction == (hook == HOOK_POD ? DIR_B_TO_A : DIR_A_TO_B) &&
	    is_translation_due(c, p.proto))
		read_translation(skb, &key, c, opened);
	size = size_class(bytes);
	previous = __sync_fetch_and_add(&c->packed[direction][size & 7], PACKED_PACKET + bytes);
	if (previous & PACKED_HIGH_WATER)
		overflow_counter(c, p.proto, direction, size & 7,
				 p.proto == IPPROTO_TCP ? 0 : overflow_detail(&p));
	if (p.proto == IPPROTO_TCP && c->state == STATE_ESTABLISHED &&
	    !(p.tcp_flags & TCP_CONTROL) && !opened)
		return TC_ACT_UNSPEC;
	/* a Service's connection shows its first packets once the backend is known */
	if (update_state(c, &p, direction, bytes) | opened && !awaits_backend(c))
		report(skb, &key, c, direction, framing == BARE ? REPORT_BARE : REPORT_PACKET);
	return TC_ACT_UNSPEC;
}

static __always_inline int track(struct __sk_buff *skb, __u8 hook, __u8 direction, __u32 seen,
				 __u32 framing)
{
	return track_at(skb, skb->ifindex, hook, direction, seen, framing);
}
