/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * connection.h - the connection table: an entry, its unreported counts, and how they are taken.
 *
 * Conservation: a count is added to an entry or to overflow, is taken by atomic exchange, and is
 * put back when its record is refused. So packets seen = packets reported + packets still here, at
 * every instant.
 */
#pragma once

#include "counters.h"
#include "ip_cache.h"
#include "life.h"
#include "packet.h"
#include "pod_interface.h"
#include "weir.h"

#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct connection {
	__u32 life;
	__u32 state;
	__u8 initiator;	   /* DIR_* */
	__u8 opening_seen; /* so duration and size are known */
	__u8 last_fin;	   /* DIR_* of the latest FIN */
	__u8 hook;
	__u8 seen[2]; /* OR of TCP flags, by direction */
	__u16 pass;   /* the last pass that flushed it */
	__u64 packed[2][SIZE_CLASSES];
	__u64 tcp_flags[2];
	__u64 events;
	__u64 handshake_ns;
	__u64 duration_ns;
	__u64 closed_bytes;
	__u64 reported_bytes; /* since it opened; may be negative after it reopens */
	__u64 first_ns;
	__u64 last_ns;	   /* last packet; for established TCP, last flush that found new counts */
	__u64 expiring_ns; /* when it became expiring or dead */
	__u64 defer_until_ns; /* deadline for an unresolved name; 0: counts are not deferred */
	__u64 translation_ns; /* when conntrack was last read */
	__u32 translation;    /* NAT_* */
	__u32 service;	      /* entity of the Service that the initiator addressed; 0: none */
	__u8 peer[16];	      /* the peer's own address and port, after translation */
	__u16 peer_port;
	__u16 syn_bytes;
	__u8 alone; /* DIR_* of the only sender of an unanswered entry, or of the SYN at syn_ns */
	/* closed although one side has sent no FIN: stays to recognize its last packets */
	__u8 half_closed;
	__u8 initiator_unknown;
	__u8 pad;
	/* a SYN on an open connection: with a SYN-ACK it is another connection; 0: none */
	__u64 syn_ns;
	struct ip_info a;
	struct ip_info b;
};

/* A state that no record has, see reported_state(): TCP from the middle of a connection, from one side
 * alone. No connection until the other side answers. */
#define STATE_UNANSWERED 6

/* What conntrack knows of the peer, see conntrack.h. */
#define NAT_UNREAD 0
#define NAT_NONE 1	 /* the address in the packets is the peer's own */
#define NAT_TRANSLATED 2 /* another address is */
#define NAT_BUSY 3	 /* a CPU is changing it */
#define NAT_ASK 4	 /* no entry at the packet: user space asks conntrack, see untranslated.h */

/* About 410 B an entry in use (key, value, element); --connections is the limit. A plain hash: an
 * LRU hash evicts counts silently. Not preallocated, so that the limit may be generous. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 262144);
	__type(key, struct flow_key);
	__type(value, struct connection);
} connections SEC(".maps");

/* Starts to delete an entry regardless of its traffic. From now on its packets count in overflow,
 * under the current names; a flush after the grace period deletes the entry. */
static __always_inline void evict(struct connection *c, __u64 now)
{
	if (kill_entry(&c->life, &c->expiring_ns, now))
		count(CONNECTIONS_RENAMED, 0);
}

/* Whether weir_connections_active counts it. */
static __always_inline int was_open(const struct connection *c)
{
	return c->state != STATE_CLOSED && c->state != STATE_RELATED &&
	       c->state != STATE_UNANSWERED;
}

/* The side whose address conntrack may translate: that of the packets which the node sends out of
 * the interface. They have passed its conntrack; those that come in have not yet. */
static __always_inline int is_peer_a(const struct connection *c)
{
	return c->hook == HOOK_UPLINK;
}

static __always_inline struct ip_info *peer_info(struct connection *c)
{
	return is_peer_a(c) ? &c->a : &c->b;
}

/* The address in the packets, until conntrack knows another. */
static __always_inline void set_peer(struct connection *c, const struct flow_key *key)
{
	__builtin_memcpy(c->peer, is_peer_a(c) ? key->a : key->b, sizeof(c->peer));
	c->peer_port = is_peer_a(c) ? key->a_port : key->b_port;
}

static __always_inline const __u8 *address_a(const struct connection *c, const struct flow_key *key)
{
	return is_peer_a(c) ? c->peer : key->a;
}

static __always_inline const __u8 *address_b(const struct connection *c, const struct flow_key *key)
{
	return is_peer_a(c) ? key->b : c->peer;
}

static __always_inline int is_same_address(const __u8 *a, const __u8 *b)
{
	const __u64 *x = (const void *)a, *y = (const void *)b;

	return x[0] == y[0] && x[1] == y[1];
}

/* Whether the counts wait for the translation of the peer's address. */
static __always_inline int awaits_translation(const struct connection *c)
{
	__u16 flags = is_peer_a(c) ? c->a.flags : c->b.flags;

	return (c->translation == NAT_UNREAD || c->translation == NAT_ASK) && c->defer_until_ns &&
	       flags & INFO_TRANSLATABLE;
}

/* Whether they wait for a backend: then the Service is no name to report. */
static __always_inline int awaits_backend(const struct connection *c)
{
	__u16 flags = is_peer_a(c) ? c->a.flags : c->b.flags;

	return awaits_translation(c) && flags & INFO_SERVICE;
}

/* Looks up unresolved names again. Returns whether counts are still deferred. */
static __always_inline int still_deferred(struct connection *c, const struct flow_key *key,
					  __u64 now)
{
	if (!c->defer_until_ns)
		return 0;
	if (c->a.flags & INFO_UNRESOLVED)
		resolve_a(&c->a, address_a(c, key), key->ifindex, c->hook);
	if (c->b.flags & INFO_UNRESOLVED)
		look_up_address(&c->b, address_b(c, key));
	if (((c->a.flags | c->b.flags) & INFO_UNRESOLVED || awaits_translation(c)) &&
	    now < c->defer_until_ns)
		return 1;
	if (awaits_backend(c))
		count(SERVICE_UNRESOLVED, 0);
	c->defer_until_ns = 0;
	return 0;
}

/* Whether a name came after the deadline. Counts reported by then keep their names. */
static __always_inline int is_resolved_late(const struct connection *c, const struct flow_key *key)
{
	struct ip_info info;

	if (c->defer_until_ns)
		return 0;
	return (c->a.flags & INFO_UNRESOLVED &&
		resolve_a(&info, address_a(c, key), key->ifindex, c->hook)) ||
	       (c->b.flags & INFO_UNRESOLVED && look_up_address(&info, address_b(c, key)) &&
		!(info.flags & INFO_UNRESOLVED));
}

static __always_inline __u32 size_class(__u32 bytes)
{
	if (bytes <= SIZE_2)
		return bytes <= SIZE_0 ? 0 : bytes <= SIZE_1 ? 1 : 2;
	if (bytes <= SIZE_4)
		return bytes <= SIZE_3 ? 3 : 4;
	return bytes <= SIZE_5 ? 5 : bytes <= SIZE_6 ? 6 : 7;
}

/* Bytes not yet taken. */
static __always_inline __u64 unreported_bytes(const struct connection *c)
{
	__u64 bytes = 0;

#pragma unroll
	for (int i = 0; i < 2 * SIZE_CLASSES; i++)
		bytes += (&c->packed[0][0])[i] & PACKED_BYTES;
	return bytes;
}

/* `earlier` is the observation just overwritten; 0: there was none. */
static __always_inline void count_overwritten(__u64 earlier)
{
	if (earlier)
		count(OBSERVATIONS_LOST, 0);
}

/* A full lane stops counting: it would carry into the next lane. */
static __always_inline void add_event(struct connection *c, __u32 lane)
{
	if (c->events >> (16 * lane) & 0x8000)
		count(OBSERVATIONS_LOST, 0);
	else
		__sync_fetch_and_add(&c->events, LANE(lane));
}

/* Sets duration and size for the next record. */
static __noinline int set_duration(struct connection *c, __u64 now)
{
	if (!c || !c->opening_seen)
		return 0;
	c->closed_bytes = c->reported_bytes + unreported_bytes(c);
	count_overwritten(
	    __sync_lock_test_and_set(&c->duration_ns, now > c->first_ns ? now - c->first_ns : 1));
	return 0;
}

/* Moves the unreported counts into `ext`. Returns 0 when there are none. */
static __always_inline __u64 take(struct connection *c, struct weir_trace *ext)
{
	__u64 any = 0, bytes = 0;

#pragma unroll
	for (int i = 0; i < 2 * SIZE_CLASSES; i++) {
		__u64 *word = &(&c->packed[0][0])[i], *to = &(&ext->packed[0][0])[i];

		*to = *word ? __sync_lock_test_and_set(word, 0) : 0;
		bytes += *to & PACKED_BYTES;
		any |= *to;
	}
	if (bytes)
		__sync_fetch_and_add(&c->reported_bytes, bytes);
	ext->tcp_flags[0] = c->tcp_flags[0] ? __sync_lock_test_and_set(&c->tcp_flags[0], 0) : 0;
	ext->tcp_flags[1] = c->tcp_flags[1] ? __sync_lock_test_and_set(&c->tcp_flags[1], 0) : 0;
	ext->events = c->events ? __sync_lock_test_and_set(&c->events, 0) : 0;
	ext->handshake_ns = c->handshake_ns ? __sync_lock_test_and_set(&c->handshake_ns, 0) : 0;
	ext->duration_ns = c->duration_ns ? __sync_lock_test_and_set(&c->duration_ns, 0) : 0;
	ext->closed_bytes = ext->duration_ns ? c->closed_bytes : 0;
	return any | ext->tcp_flags[0] | ext->tcp_flags[1] | ext->events | ext->handshake_ns |
	       ext->duration_ns;
}

/* Reverses take() for a record that was refused. */
static __always_inline void put_back(struct connection *c, const struct weir_trace *ext)
{
	__u64 bytes = 0;

#pragma unroll
	for (int i = 0; i < 2 * SIZE_CLASSES; i++) {
		__u64 back = (&ext->packed[0][0])[i];

		if (back)
			__sync_fetch_and_add(&(&c->packed[0][0])[i], back);
		bytes += back & PACKED_BYTES;
	}
	if (bytes)
		__sync_fetch_and_add(&c->reported_bytes, -bytes);
	if (ext->tcp_flags[0])
		__sync_fetch_and_add(&c->tcp_flags[0], ext->tcp_flags[0]);
	if (ext->tcp_flags[1])
		__sync_fetch_and_add(&c->tcp_flags[1], ext->tcp_flags[1]);
	if (ext->events)
		__sync_fetch_and_add(&c->events, ext->events);
	if (ext->handshake_ns)
		count_overwritten(__sync_lock_test_and_set(&c->handshake_ns, ext->handshake_ns));
	if (ext->duration_ns) {
		c->closed_bytes = ext->closed_bytes;
		count_overwritten(__sync_lock_test_and_set(&c->duration_ns, ext->duration_ns));
	}
}

/* The state that a record shows. */
static __always_inline __u8 reported_state(const struct connection *c)
{
	__u8 flags = c->seen[c->alone & 1];

	if (c->state != STATE_UNANSWERED)
		return c->state;
	if (flags & TCP_FIN)
		return STATE_CLOSING;
	return flags & TCP_SYN ? STATE_SYN_ACK : STATE_ESTABLISHED;
}

/* Fills in everything of a record but its counts. */
static __always_inline void describe(struct trace_record *r, const struct flow_key *key,
				     const struct connection *c, __u8 direction)
{
	const struct ip_info *src = direction == DIR_A_TO_B ? &c->a : &c->b;
	const struct ip_info *dst = direction == DIR_A_TO_B ? &c->b : &c->a;
	const __u32 *a = (const void *)key->a;

	r->hdr.type = NOTIFY_TRACE;
	r->hdr.version = TRACE_VERSION;
	r->hdr.ext_version = WEIR_EXT;
	r->hdr.source = c->a.endpoint_id;
	r->hdr.src_label = src->identity;
	r->hdr.dst_label = dst->identity;
	r->hdr.ifindex = key->ifindex;
	r->hdr.flags = a[0] | a[1] || a[2] != bpf_htonl(0xffff) ? CLASS_IPV6 : 0;
	if (c->hook == HOOK_POD) {
		r->hdr.subtype = direction == DIR_A_TO_B ? POINT_TO_STACK : POINT_TO_ENDPOINT;
		r->hdr.dst_id = direction == DIR_A_TO_B ? 0 : c->a.endpoint_id;
	} else {
		r->hdr.subtype = direction == DIR_A_TO_B ? POINT_TO_NETWORK : POINT_FROM_NETWORK;
	}
	r->ext.state = reported_state(c);
	if (c->state == STATE_RELATED)
		r->hdr.reason = REASON_RELATED;
	else if (c->initiator_unknown)
		r->hdr.reason = REASON_UNKNOWN;
	else if (direction != c->initiator)
		r->hdr.reason = REASON_REPLY;
	else
		r->hdr.reason = r->ext.state < STATE_ESTABLISHED ? REASON_NEW : REASON_ESTABLISHED;
	__builtin_memcpy(r->ext.a, address_a(c, key), sizeof(r->ext.a));
	__builtin_memcpy(r->ext.b, address_b(c, key), sizeof(r->ext.b));
	r->ext.a_port = is_peer_a(c) ? c->peer_port : key->a_port;
	r->ext.b_port = is_peer_a(c) ? key->b_port : c->peer_port;
	r->ext.service = c->service | (c->translation == NAT_TRANSLATED ? TRANSLATED : 0);
	r->ext.a_entity = c->a.entity;
	r->ext.b_entity = c->b.entity;
	r->ext.proto = key->proto;
	r->ext.hook = c->hook;
	r->ext.initiator = c->initiator | (c->initiator_unknown ? INITIATOR_UNKNOWN : 0);
	r->ext.direction = direction;
	r->ext.seen[0] = c->seen[0];
	r->ext.seen[1] = c->seen[1];
}
