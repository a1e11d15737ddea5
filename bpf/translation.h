/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * translation.h - the peer of a connection behind network address translation.
 *
 * In:    conntrack, at the first packet that the node sends out of the interface. At a pod this is
 *        the first reply of a Service, whose peer is then the backend; or the first request to a
 *        server, whose peer is the client before source NAT. At an uplink it is what a pod sent,
 *        masqueraded.
 * Out:   peer, service and names in struct connection. Counts of a Service wait for them.
 * Never: gives counts to a backend that were reported, or made, under other names: a record ends
 *        those first.
 */
#pragma once

#include "connection.h"
#include "conntrack.h"
#include "ip_cache.h"
#include "packet.h"
#include "report.h"
#include "state.h"
#include "weir.h"

#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* UDP has no SYN that shows a new connection of the same ports: conntrack is read again when an
 * entry may have expired and another backend may have been chosen, at most this often. */
#define REREAD_NS 100000000ULL

/* Deferred for a name or for the translation of the peer. */
static __always_inline void defer(struct connection *c, __u64 now)
{
	if ((c->a.flags | c->b.flags) & INFO_UNRESOLVED || peer_info(c)->flags & INFO_TRANSLATABLE)
		c->defer_until_ns = now + entity_wait_ns;
}

/* Whether to read conntrack for a packet that leaves the interface. */
static __always_inline int is_translation_due(const struct connection *c, __u8 proto)
{
	if (!can_read_conntrack())
		return 0;
	if (c->translation == NAT_UNREAD)
		return 1;
	return proto == IPPROTO_UDP && c->translation == NAT_TRANSLATED &&
	       bpf_ktime_get_ns() - c->translation_ns > REREAD_NS;
}

/* An address of a tuple as in struct flow_key. */
static __always_inline void set_address(__u8 *to, const __u32 *addr, __u16 family)
{
	if (family == CONNTRACK_IPV4)
		map_ipv4((void *)to, addr[0]);
	else
		__builtin_memcpy(to, addr, 16);
}

/* Sets the Service that the client asked for; the address after translation is no Service's. */
static __always_inline void set_service(struct connection *c, struct track_scratch *s)
{
	const struct conntrack_tuple *asked = &s->tuples.original.tuple;

	set_address(s->entry.peer, asked->dst, asked->family);
	__builtin_memset(&s->info, 0, sizeof(s->info));
	look_up_address(&s->info, s->entry.peer);
	c->service = s->info.flags & INFO_SERVICE ? s->info.entity : 0;
}

/* Conntrack knows no other address. */
static __always_inline int untranslated_peer(struct __sk_buff *skb, const struct flow_key *key,
					     struct connection *c)
{
	int backend = awaits_backend(c);

	if (backend)
		count(SERVICE_UNRESOLVED, 0);
	c->translation = NAT_NONE;
	return backend ? report(skb, key, c, c->initiator, REPORT_PENDING) : 0;
}

/* Reads the translation from a packet's conntrack entry; `opened`: the packet made the entry. */
static __noinline int read_translation(struct __sk_buff *skb, const struct flow_key *key,
				       struct connection *c, __u32 opened)
{
	struct track_scratch *s = scratch();
	const struct conntrack_tuple *sender;
	__u32 is_reply = 0, before, backend, named, found;

	if (!s || !key || !c)
		return 0;
	before = c->translation;
	c->translation_ns = bpf_ktime_get_ns();
	found = c->state == STATE_RELATED ? ENTRY_IRRELEVANT
					  : read_conntrack(skb, &s->tuples, &is_reply);
	if (found == ENTRY_MISSING && before == NAT_UNREAD && awaits_backend(c)) {
		c->translation = NAT_ASK;
		return 0;
	}
	if (found != ENTRY_READ || s->tuples.original.tuple.proto != key->proto)
		return before == NAT_UNREAD ? untranslated_peer(skb, key, c) : 0;
	sender = is_reply ? &s->tuples.reply.tuple : &s->tuples.original.tuple;
	set_address(s->entry.peer, sender->src, sender->family);
	s->entry.peer_port = c->peer_port;
	if (has_ports(key->proto))
		s->entry.peer_port = bpf_ntohs(sender->src_port);
	if (is_same_address(s->entry.peer, c->peer) && s->entry.peer_port == c->peer_port) {
		if (before == NAT_TRANSLATED)
			return 0;
		set_service(c, s); /* a server has its own address, and was asked for another */
		return untranslated_peer(skb, key, c);
	}
	backend = awaits_backend(c);
	named = !c->defer_until_ns && !opened;
	if (before == NAT_BUSY ||
	    __sync_val_compare_and_swap(&c->translation, before, NAT_BUSY) != before)
		return 0;
	if (named && c->state != STATE_CLOSED) {
		int open = was_open(c);

		if (!report(skb, key, c, c->initiator, open ? REPORT_RENAMED : REPORT_PENDING)) {
			c->translation = before; /* the next packet tries again */
			return 0;
		}
		if (open)
			add_event(c, EVENT_ADOPTED);
	}
	__builtin_memcpy(c->peer, s->entry.peer, sizeof(c->peer));
	c->peer_port = s->entry.peer_port;
	__builtin_memset(&s->info, 0, sizeof(s->info));
	look_up(&s->info, c->peer);
	*peer_info(c) = s->info;
	if (s->info.flags & INFO_UNRESOLVED && !c->defer_until_ns)
		c->defer_until_ns = c->translation_ns + entity_wait_ns;
	set_service(c, s);
	c->translation = NAT_TRANSLATED;
	return backend ? report(skb, key, c, c->initiator, REPORT_PENDING) : 0;
}

/* A new connection of the same addresses and ports may have another peer: reports the old one, and
 * starts again. Evicts the entry when the ring is full. */
static __always_inline int restart_translation(struct __sk_buff *skb, const struct flow_key *key,
					       struct connection *c)
{
	__u64 now = bpf_ktime_get_ns();

	if (!key || !c)
		return 0;
	if (c->state == STATE_CLOSING)
		close_connection(c, EVENT_FIN, now);
	if (awaits_backend(c))
		count(SERVICE_UNRESOLVED, 0);
	c->defer_until_ns = 0;
	if (!report(skb, key, c, c->initiator, REPORT_PENDING)) {
		evict(c, now);
		return 0;
	}
	c->translation = NAT_UNREAD;
	c->service = 0;
	set_peer(c, key);
	look_up_a(&c->a, key->a, key->ifindex, c->hook);
	look_up(&c->b, key->b);
	defer(c, now);
	return 0;
}
