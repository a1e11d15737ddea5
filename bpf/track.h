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
#include "ip_cache.h"
#include "life.h"
#include "overflow.h"
#include "packet.h"
#include "parse.h"
#include "ring.h"
#include "state.h"
#include "weir.h"

#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include <stddef.h>

#define NO_MESSAGE 0xff /* overflow detail of an ICMP fragment without an ICMP header */

/* Packet bytes that a record carries. */
const volatile __u32 capture_bytes = 128;

/* Too large for the stack; tc runs with softirqs off, so a CPU has one user at a time. */
struct track_scratch {
	struct connection entry;
	struct trace_record record;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct track_scratch);
} track_scratch SEC(".maps");

static __always_inline struct track_scratch *scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&track_scratch, &zero);
}

static __always_inline void report(struct __sk_buff *skb, const struct flow_key *key,
				   struct connection *c, __u8 direction)
{
	struct track_scratch *s = scratch();
	__u64 cap = skb->len < capture_bytes ? skb->len : capture_bytes;

	if (!s)
		return;
	__builtin_memset(&s->record, 0, sizeof(s->record));
	describe(&s->record, key, c, direction);
	s->record.hdr.hash = skb->hash;
	s->record.hdr.len_orig = skb->len;
	s->record.hdr.len_cap = cap;
	/* a record shows its packet even while the counts are deferred */
	if (!c->defer_until_ns || !still_deferred(c, key, bpf_ktime_get_ns()))
		take(c, &s->record.ext);
	if (!bpf_perf_event_output(skb, &events, cap << 32 | BPF_F_CURRENT_CPU, &s->record,
				   sizeof(s->record)))
		return;
	put_back(c, &s->record.ext);
	count(RING_FULL, 0);
}

static __noinline struct connection *new_connection(const struct flow_key *key,
						    const struct packet *p, __u32 hook_direction)
{
	struct track_scratch *s = scratch();

	if (!s || !key || !p)
		return NULL;
	__builtin_memset(&s->entry, 0, sizeof(s->entry));
	s->entry.first_ns = s->entry.last_ns = bpf_ktime_get_ns();
	s->entry.hook = hook_direction >> 1;
	init_state(&s->entry, p, hook_direction & 1);
	look_up(&s->entry.a, key->a);
	look_up(&s->entry.b, key->b);
	if (s->entry.a.unresolved | s->entry.b.unresolved)
		s->entry.defer_until_ns = s->entry.first_ns + entity_wait_ns;
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
	look_up(&a, key->a);
	look_up(&b, key->b);
	return a.entity != c->a.entity || b.entity != c->b.entity;
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
	return p->src_port == PORT_FRAGMENT ? NO_MESSAGE : p->icmp_type;
}

/* A packet without an entry in the connection table: counted by entity instead. */
static __noinline int overflow_packet(const struct flow_key *key, const struct packet *p,
				      __u32 hook_direction, __u32 bytes)
{
	struct connection c = {};
	struct overflow_key target;

	if (!key || !p)
		return 0;
	look_up(&c.a, key->a);
	look_up(&c.b, key->b);
	c.hook = hook_direction >> 1;
	target = overflow_key_of(&c, p->proto, hook_direction & 1);
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

/* HOT: every packet of every interface; bench `packet`. */
static __always_inline int track(struct __sk_buff *skb, __u8 hook, __u8 direction, __u32 seen)
{
	struct packet p = {};
	struct flow_key key = {.ifindex = skb->ifindex};
	struct connection *c;
	__u32 bytes = skb->len, size, ignored, opened = 0;
	__u64 previous;

	count(seen, bytes);
	ignored = parse(skb, &p);
	if (ignored) {
		count(ignored, bytes);
		return TC_ACT_UNSPEC;
	}
	set_key(&key, &p, direction);
	c = bpf_map_lookup_elem(&connections, &key);
	if (!c) {
		c = new_connection(&key, &p, hook << 1 | direction);
		opened = 1;
	}
	/* the ports are in use again and the address has a new owner: not the same connection */
	if (c && p.tcp_flags & TCP_SYN && p.proto == IPPROTO_TCP && !(p.tcp_flags & TCP_ACK) &&
	    c->state == STATE_CLOSED && is_renamed(c, &key))
		evict(c, bpf_ktime_get_ns());
	if (!c || !keep_alive(&c->life)) {
		overflow_packet(&key, &p, hook << 1 | direction, bytes);
		/* last: a reader of this counter then finds the packet in overflow */
		count(c ? OVERFLOWS : CONNECTIONS_FULL, bytes);
		return TC_ACT_UNSPEC;
	}
	size = size_class(bytes);
	previous = __sync_fetch_and_add(&c->packed[direction][size & 7], PACKED_PACKET + bytes);
	if (previous & PACKED_HIGH_WATER)
		overflow_counter(c, p.proto, direction, size & 7,
				 p.proto == IPPROTO_TCP ? 0 : overflow_detail(&p));
	if (p.proto == IPPROTO_TCP && c->state == STATE_ESTABLISHED &&
	    !(p.tcp_flags & TCP_CONTROL) && !opened)
		return TC_ACT_UNSPEC;
	if (update_state(c, &p, direction, bytes) | opened)
		report(skb, &key, c, direction);
	return TC_ACT_UNSPEC;
}
