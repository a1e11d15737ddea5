/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * overflow.h - counts by entity, for packets that have no entry in the connection table.
 *
 * In:    packets that find the table full or their entry dead; packed counters past a high-water
 *        mark.
 * Out:   `overflow`, per CPU.
 * Fail:  a full table: the packet counts in `counters` alone, as UNNAMED_*.
 */
#pragma once

#include "connection.h"
#include "counters.h"
#include "weir.h"

#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_helpers.h>

/* 16 B an entry and CPU. No entry is ever deleted: user space takes differences. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct overflow_key);
	__type(value, struct count);
} overflow SEC(".maps");

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
	if (!n) /* another CPU added it, or the table is full */
		n = bpf_map_lookup_elem(&overflow, key);
	if (!n) {
		/* flags alone are no packet, so they cannot count as unnamed */
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

/* The key for one direction of a connection, but for size and detail. */
static __always_inline struct overflow_key overflow_key_of(const struct ip_info *a,
							   const struct ip_info *b, __u8 proto,
							   __u8 hook, __u8 direction)
{
	struct overflow_key key = {
	    .src_entity = direction == DIR_A_TO_B ? a->entity : b->entity,
	    .dst_entity = direction == DIR_A_TO_B ? b->entity : a->entity,
	    .proto = proto,
	    .hook = hook,
	    .direction = direction,
	};

	return key;
}

/* Moves a packed counter past its high-water mark to overflow, before it wraps. */
static __always_inline void overflow_counter(struct connection *c, __u8 proto, __u8 direction,
					     __u32 size, __u8 detail)
{
	struct overflow_key key = overflow_key_of(&c->a, &c->b, proto, c->hook, direction);
	__u64 packed = __sync_lock_test_and_set(&c->packed[direction][size], 0);

	key.size = size;
	key.detail = detail;
	overflow_add(&key, packed / PACKED_PACKET, packed & PACKED_BYTES);
	__sync_fetch_and_add(&c->reported_bytes, packed & PACKED_BYTES);
	count(OVERFLOWS, 0);
}

/* Likewise the TCP flag lanes. */
static __always_inline void overflow_flags(struct connection *c, __u8 direction)
{
	struct overflow_key key = overflow_key_of(&c->a, &c->b, IPPROTO_TCP, c->hook, direction);
	__u64 flags = __sync_lock_test_and_set(&c->tcp_flags[direction], 0);

	key.size = SIZE_CLASSES;
	for (int lane = 0; lane < 4; lane++) {
		key.detail = 1 << lane;
		if (flags >> (16 * lane) & 0xffff)
			overflow_add(&key, flags >> (16 * lane) & 0xffff, 0);
	}
	count(OVERFLOWS, 0);
}
