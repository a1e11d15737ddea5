/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * connection.h - the connection table: an entry, what it owes, and how that is taken.
 *
 * The law: a count is added to the entry or to spill, is taken by exchange, and goes back when
 * it can't be told. So packets seen = packets told + packets still here, at every instant.
 */
#pragma once

/* Why an entry may go: the sweep doubts it, a packet clears the doubt, a later sweep deletes it. */
#define LIFE_ALIVE 0
#define LIFE_EXPIRING 1
#define LIFE_GONE 2

struct connection {
	__u32 life;
	__u32 state;
	__u8 initiator;   /* DIR_* */
	__u8 complete;    /* its opening was seen, so duration and size can be told */
	__u8 last_fin; /* DIR_* of the latest FIN */
	__u8 hook;
	__u8 seen[2]; /* OR of TCP flags, by direction */
	__u16 pass;   /* the last one that told it */
	__u64 packed[2][SIZE_CLASSES];
	__u64 tcp_flags[2];
	__u64 events;
	__u64 handshake_ns;
	__u64 duration_ns;
	__u64 closed_bytes;
	__u64 reported_bytes; /* since it opened; may be below 0 after a reopening */
	__u64 first_ns;
	__u64 last_ns; /* not kept for established TCP: there the sweep notices */
	__u64 expiring_ns;
	__u64 defer_until_ns; /* until when its counts wait for the names of its ends; 0: they don't */
	struct ip_info a;
	struct ip_info b;
};

/* About 360 B an entry in use (key, value, element); --connections bounds it. A plain hash:
 * an LRU would evict counts silently. Not preallocated: the bound may be generous. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 262144);
	__type(key, struct flow_key);
	__type(value, struct connection);
} connections SEC(".maps");

/* How long counts wait in the kernel for a name that may come; see struct who. */
const volatile __u64 entity_wait_ns = 5000000000;

/* A bit an entity: its names ended, and a connection that bears it is let go. 128 KiB. */
#define ENTITIES (1 << 20)
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ENTITIES / 64);
	__type(key, __u32);
	__type(value, __u64);
} stale_entities SEC(".maps");

/* Who exactly this address is. About 80 B an entry. Beside the trie, because names that come are
 * names of addresses, and sweeps may look here but not there. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1048576);
	__type(key, struct address);
	__type(value, struct ip_info);
} ip_cache SEC(".maps");

/* Who the addresses of a prefix are. About 80 B a prefix. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1048576);
	__type(key, struct prefix_key);
	__type(value, struct ip_info);
} ip_prefixes SEC(".maps");

/* 16 B an entry and CPU. Never deleted from: user space takes differences. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct overflow_key);
	__type(value, struct count);
} overflow SEC(".maps");

/* Whether exactly this address has a name. */
static __always_inline int look_up_address(struct ip_info *info, const __u8 *addr)
{
	struct address key;
	struct ip_info *found;

	__builtin_memcpy(key.addr, addr, sizeof(key.addr));
	found = bpf_map_lookup_elem(&ip_cache, &key);
	if (!found)
		return 0;
	*info = *found;
	return 1;
}

static __always_inline void look_up(struct ip_info *info, const __u8 *addr)
{
	struct prefix_key key = {.bits = 128};
	struct ip_info *found;

	if (look_up_address(info, addr))
		return;
	__builtin_memcpy(key.addr, addr, sizeof(key.addr));
	found = bpf_map_lookup_elem(&ip_prefixes, &key);
	if (found)
		*info = *found;
}

static __always_inline int is_stale(__u32 entity)
{
	__u32 at = entity / 64;
	__u64 *bits = bpf_map_lookup_elem(&stale_entities, &at);

	return bits && *bits >> (entity & 63) & 1;
}

/* Begin to let an entry go whatever its traffic: packets spill from now on, under the names of
 * now, and a sweep after the grace deletes it. */
static __always_inline void evict(struct connection *c, __u64 now)
{
	c->expiring_ns = now;
	if (__sync_lock_test_and_set(&c->life, LIFE_GONE) != LIFE_GONE)
		count(CONNECTIONS_RENAMED, 0);
}

/* Names that came meanwhile; whether counts still wait. What was told keeps its names. */
static __always_inline int is_deferred(struct connection *c, const struct flow_key *key, __u64 now)
{
	if (!c->defer_until_ns)
		return 0;
	if (c->a.unresolved)
		look_up_address(&c->a, key->a);
	if (c->b.unresolved)
		look_up_address(&c->b, key->b);
	if ((c->a.unresolved | c->b.unresolved) && now < c->defer_until_ns)
		return 1;
	c->defer_until_ns = 0;
	return 0;
}

/* Whether an end that had no name in time has one now. */
static __always_inline int is_resolved_late(const struct connection *c, const struct flow_key *key)
{
	struct ip_info info;

	if (c->defer_until_ns)
		return 0;
	return (c->a.unresolved && look_up_address(&info, key->a)) || (c->b.unresolved && look_up_address(&info, key->b));
}

/* Whether its addresses are others' than when it opened. */
static __noinline int is_renamed(const struct connection *c, const struct flow_key *key)
{
	struct ip_info a = {}, b = {};

	if (!c || !key)
		return 0;
	look_up(&a, key->a);
	look_up(&b, key->b);
	return a.entity != c->a.entity || b.entity != c->b.entity;
}

static __always_inline __u32 size_class(__u32 bytes)
{
	if (bytes <= SIZE_2)
		return bytes <= SIZE_0 ? 0 : bytes <= SIZE_1 ? 1 : 2;
	if (bytes <= SIZE_4)
		return bytes <= SIZE_3 ? 3 : 4;
	return bytes <= SIZE_5 ? 5 : bytes <= SIZE_6 ? 6 : 7;
}

static __noinline int overflow_add(struct overflow_key *key, __u64 packets, __u64 bytes)
{
	struct count first = {.packets = packets, .bytes = bytes};
	struct count *n;
	__u32 unnamed;

	if (!key)
		return 0;
	n = bpf_map_lookup_elem(&overflow, key);
	if (!n && !bpf_map_update_elem(&overflow, key, &first, BPF_NOEXIST))
		return 0;
	if (!n) /* another CPU made it, or the table is full */
		n = bpf_map_lookup_elem(&overflow, key);
	if (!n) {
		/* flags without packets have no packet to count unnamed */
		unnamed = key->size == SIZE_CLASSES
			      ? OBSERVATIONS_LOST
			      : UNNAMED_FROM_POD + (key->hook << 1 | key->direction);
		n = bpf_map_lookup_elem(&counters, &unnamed);
	}
	if (n) {
		n->packets += packets;
		n->bytes += bytes;
	}
	return 0;
}

/* The names under which a connection's counts of one direction spill. */
static __always_inline struct overflow_key overflow_key_of(const struct connection *c, __u8 proto,
						   __u8 direction)
{
	struct overflow_key key = {
	    .src_entity = direction == DIR_A_TO_B ? c->a.entity : c->b.entity,
	    .dst_entity = direction == DIR_A_TO_B ? c->b.entity : c->a.entity,
	    .proto = proto,
	    .hook = c->hook,
	    .direction = direction,
	};

	return key;
}

/* A tally that nobody took for long moves to spill before it can overflow. */
static __always_inline void overflow_counter(struct connection *c, __u8 proto, __u8 direction,
					__u32 size, __u8 detail)
{
	struct overflow_key key = overflow_key_of(c, proto, direction);
	__u64 packed = __sync_lock_test_and_set(&c->packed[direction][size], 0);

	key.size = size;
	key.detail = detail;
	overflow_add(&key, packed / PACKED_PACKET, packed & PACKED_BYTES);
	__sync_fetch_and_add(&c->reported_bytes, packed & PACKED_BYTES);
	count(OVERFLOWS, 0);
}

/* Likewise a lane of flag counts; SIZE_CLASSES as size says: flags only, no packets. */
static __always_inline void overflow_flags(struct connection *c, __u8 direction)
{
	struct overflow_key key = overflow_key_of(c, IPPROTO_TCP, direction);
	__u64 flags = __sync_lock_test_and_set(&c->tcp_flags[direction], 0);

	key.size = SIZE_CLASSES;
	for (int lane = 0; lane < 4; lane++) {
		key.detail = 1 << lane;
		if (flags >> (16 * lane) & 0xffff)
			overflow_add(&key, flags >> (16 * lane) & 0xffff, 0);
	}
	count(OVERFLOWS, 0);
}

static __always_inline __u64 unreported_bytes(const struct connection *c)
{
	__u64 bytes = 0;

#pragma unroll
	for (int i = 0; i < 2 * SIZE_CLASSES; i++)
		bytes += (&c->packed[0][0])[i] & PACKED_BYTES;
	return bytes;
}

static __always_inline void observation_lost(__u64 earlier)
{
	if (earlier)
		count(OBSERVATIONS_LOST, 0);
}

/* A full lane is not counted further: that would run into its neighbour. */
static __always_inline void add_event(struct connection *c, __u32 lane)
{
	if (c->events >> (16 * lane) & 0x8000)
		count(OBSERVATIONS_LOST, 0);
	else
		__sync_fetch_and_add(&c->events, LANE(lane));
}

/* Remember how long it lived and how much it carried, for the next record. */
static __always_inline void end(struct connection *c, __u64 now)
{
	if (!c->complete)
		return;
	c->closed_bytes = c->reported_bytes + unreported_bytes(c);
	observation_lost(
	    __sync_lock_test_and_set(&c->duration_ns, now > c->first_ns ? now - c->first_ns : 1));
}

/* Take what the entry owes into `ext`; returns whether there was anything. */
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

/* The record did not go out: all that it took is owed again. */
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
		observation_lost(__sync_lock_test_and_set(&c->handshake_ns, ext->handshake_ns));
	if (ext->duration_ns) {
		c->closed_bytes = ext->closed_bytes;
		observation_lost(__sync_lock_test_and_set(&c->duration_ns, ext->duration_ns));
	}
}

/* Everything of a record but what the entry owes. */
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
	if (c->state == STATE_RELATED)
		r->hdr.reason = REASON_RELATED;
	else if (direction != c->initiator)
		r->hdr.reason = REASON_REPLY;
	else
		r->hdr.reason = c->state < STATE_ESTABLISHED ? REASON_NEW : REASON_ESTABLISHED;
	__builtin_memcpy(r->ext.a, key->a, sizeof(r->ext.a));
	__builtin_memcpy(r->ext.b, key->b, sizeof(r->ext.b));
	r->ext.a_entity = c->a.entity;
	r->ext.b_entity = c->b.entity;
	r->ext.a_port = key->a_port;
	r->ext.b_port = key->b_port;
	r->ext.proto = key->proto;
	r->ext.hook = c->hook;
	r->ext.initiator = c->initiator;
	r->ext.direction = direction;
	r->ext.state = c->state;
	r->ext.seen[0] = c->seen[0];
	r->ext.seen[1] = c->seen[1];
}
