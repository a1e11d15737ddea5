/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ip_cache.h - the owner of an address: its identity, entity and endpoint ID.
 *
 * In:    `ip_cache`, `ip_prefixes` and `stale_entities`, which user space writes.
 * Out:   struct ip_info of an address.
 */
#pragma once

#include "weir.h"

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* How long counts are deferred in the kernel for a name that may come; see struct ip_info. */
const volatile __u64 entity_wait_ns = 5000000000;

/* Single addresses; about 80 B an entry. A hash apart from the trie: flush programs may not look
 * up a trie, and the names that deferred counts need are names of single addresses. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1048576);
	__type(key, struct address);
	__type(value, struct ip_info);
} ip_cache SEC(".maps");

/* About 80 B a prefix. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1048576);
	__type(key, struct prefix_key);
	__type(value, struct ip_info);
} ip_prefixes SEC(".maps");

/* One bit an entity. Set: its names are no longer valid, so connections that refer to it are
 * evicted. 128 KiB. */
#define ENTITIES (1 << 20)
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ENTITIES / 64);
	__type(key, __u32);
	__type(value, __u64);
} stale_entities SEC(".maps");

/* Returns 0 and leaves `info` alone when the cache lacks the address. */
static __noinline int look_up_address(struct ip_info *info, const __u8 *addr)
{
	struct address key;
	struct ip_info *found;

	if (!info || !addr)
		return 0;
	__builtin_memcpy(key.addr, addr, sizeof(key.addr));
	found = bpf_map_lookup_elem(&ip_cache, &key);
	if (!found)
		return 0;
	*info = *found;
	return 1;
}

/* By address, then by prefix. Leaves `info` alone when neither is known. */
static __noinline int look_up(struct ip_info *info, const __u8 *addr)
{
	struct prefix_key key = {.bits = 128};
	struct ip_info *found;

	if (!info || !addr || look_up_address(info, addr))
		return 0;
	__builtin_memcpy(key.addr, addr, sizeof(key.addr));
	found = bpf_map_lookup_elem(&ip_prefixes, &key);
	if (found)
		*info = *found;
	return 0;
}

static __always_inline int is_stale(__u32 entity)
{
	__u32 at = entity / 64;
	__u64 *bits = bpf_map_lookup_elem(&stale_entities, &at);

	return bits && *bits >> (entity & 63) & 1;
}
