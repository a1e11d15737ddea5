/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * drop_table.h - the table of drops: one entry for each kind of drop, and how its counts are taken.
 *
 * A kind is one reason and protocol between two entities, with the destination port only if a label
 * shows it, and with both addresses only while a name is unresolved. The rest of a packet is an example.
 *
 * A source that makes many kinds (a port scan, spoofed addresses) has a share of the table. Past it, and
 * when the table is nearly full, its drops count without port and addresses, then without their
 * destination, and only when there is no room at all by reason alone.
 */
#pragma once

#include "counters.h"
#include "ip_cache.h"
#include "kernel.h"
#include "packet.h"
#include "weir.h"

#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#define REASONS_UNNAMED 512

struct drop_key {
	__u32 src_entity;
	__u32 dst_entity;
	__u32 reason;
	__u16 dst_port; /* DETAIL_PORT */
	__u8 proto;
	__u8 detail; /* DETAIL_* */
	__u32 src[4];
	__u32 dst[4];
};

#define DETAIL_ADDRESSES 1 /* src and dst are set, because a name may still come */
#define DETAIL_PORT 2
#define DETAIL_ANYWHERE 4 /* any destination: dst_entity is 0 */

/* Unreported counts of one kind of drop. ifindex, and the fields from `from` on, describe its
 * example: the packet reported last. */
struct drop {
	__u32 life;
	__u32 ifindex;
	__u64 packets;
	__u64 bytes;
	__u64 reported_ns;
	__u64 last_ns;
	__u64 expiring_ns;
	__u64 defer_until_ns; /* deadline for an unresolved name; 0: counts are not deferred */
	struct ip_info from;
	struct ip_info to;
	__u32 src[4];
	__u32 dst[4];
	__u16 src_port;
	__u16 dst_port;
	__u8 ipv6;
	__u8 pad[3];
};

/* --drop-kinds, which is also the size of the table. */
const volatile __u32 drops_max = 8192;

/* About 190 B an entry, preallocated: 1.5 MB. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct drop_key);
	__type(value, struct drop);
} drops SEC(".maps");

/* What the labels of drops show, from user space: DROP_LABEL_*. */
#define DROP_LABEL_PORT 1
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} drop_labels SEC(".maps");

/* Entries of `drops` by source entity, modulo the size; the last word counts all. Sources with the
 * same word have one share together. 16 KiB. */
#define TALKERS 4096
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TALKERS + 1);
	__type(key, __u32);
	__type(value, __u32);
} drop_talkers SEC(".maps");

/* A talker's share, and what of the table is for kinds of any destination. */
#define DROP_SHARE 8
#define DROP_RESERVE 4

static __always_inline __u32 *talker(__u32 entity)
{
	__u32 at = entity % TALKERS;

	return bpf_map_lookup_elem(&drop_talkers, &at);
}

static __always_inline __u32 *all_talkers(void)
{
	__u32 at = TALKERS;

	return bpf_map_lookup_elem(&drop_talkers, &at);
}

/* An entry was added (1) or deleted (-1). */
static __always_inline void count_entry(const struct drop_key *key, __s32 change)
{
	__u32 *own = talker(key->src_entity), *all = all_talkers();

	if (own)
		__sync_fetch_and_add(own, change);
	if (all)
		__sync_fetch_and_add(all, change);
}

/* Whether the key's source may have another entry. Kinds with a port or addresses, of which there may
 * be any number, get half of the share. */
static __always_inline int has_share(const struct drop_key *key)
{
	__u32 *own = talker(key->src_entity), *all = all_talkers();
	__u32 share = drops_max / DROP_SHARE;

	if (!own || !all || key->detail & DETAIL_ANYWHERE)
		return 1;
	if (key->detail)
		share /= 2;
	return *own < share && *all < drops_max - drops_max / DROP_RESERVE;
}

/* The next coarser key. Returns 0 when there is none. */
static __always_inline int coarsen(struct drop_key *key)
{
	if (key->detail & DETAIL_ANYWHERE)
		return 0;
	if (key->detail) {
		key->detail = 0;
		key->dst_port = 0;
		__builtin_memset(key->src, 0, sizeof(key->src));
		__builtin_memset(key->dst, 0, sizeof(key->dst));
	} else {
		key->detail = DETAIL_ANYWHERE;
		key->dst_entity = 0;
	}
	return 1;
}

/* By reason. The last one counts every higher reason too. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REASONS_UNNAMED);
	__type(key, __u32);
	__type(value, struct count);
} drops_unnamed SEC(".maps");

static __always_inline void describe_drop(struct drop_record *r, const struct drop_key *key,
					  const struct drop *d)
{
	r->hdr.type = NOTIFY_DROP;
	r->hdr.version = DROP_VERSION;
	r->hdr.ext_version = WEIR_EXT;
	r->hdr.src_label = d->from.identity;
	r->hdr.dst_label = key->detail & DETAIL_ANYWHERE ? 0 : d->to.identity;
	r->hdr.ifindex = d->ifindex;
	r->hdr.flags = CLASS_L3_DEVICE | (d->ipv6 ? CLASS_IPV6 : 0);
	__builtin_memcpy(r->ext.src, d->src, sizeof(r->ext.src));
	__builtin_memcpy(r->ext.dst, d->dst, sizeof(r->ext.dst));
	r->ext.src_entity = d->from.entity;
	r->ext.dst_entity = key->detail & DETAIL_ANYWHERE ? 0 : d->to.entity;
	r->ext.reason = key->reason;
	r->ext.src_port = d->src_port;
	r->ext.dst_port = d->dst_port;
	r->ext.any_port = !(key->detail & DETAIL_PORT);
	r->ext.proto = key->proto;
}

static __always_inline __u64 take_drop(struct drop *d, struct weir_drop *ext)
{
	ext->packets = __sync_lock_test_and_set(&d->packets, 0);
	ext->bytes = __sync_lock_test_and_set(&d->bytes, 0);
	return ext->packets | ext->bytes;
}

static __always_inline void put_drop_back(struct drop *d, const struct weir_drop *ext)
{
	__sync_fetch_and_add(&d->packets, ext->packets);
	__sync_fetch_and_add(&d->bytes, ext->bytes);
}

/* Makes this packet the example of its kind. One CPU at a time does so, see is_example_due(). A
 * flush on another CPU may read meanwhile and report fields of two packets; counts stay exact. */
static __always_inline void set_example(struct drop *d, const struct sk_buff *skb,
					const struct packet *p, const struct ip_info *src,
					const struct ip_info *dst)
{
	struct net_device *dev = skb->dev;

	d->ifindex = dev ? dev->ifindex : 0;
	d->from = *src;
	d->to = *dst;
	__builtin_memcpy(d->src, p->src, sizeof(d->src));
	__builtin_memcpy(d->dst, p->dst, sizeof(d->dst));
	d->src_port = p->src_port;
	d->dst_port = p->dst_port;
	d->ipv6 = p->ipv6;
}

/* As still_deferred(). One function for both would exceed the stack that weir_flush may use. */
static __always_inline int drop_still_deferred(struct drop *d, __u64 now)
{
	if (!d->defer_until_ns)
		return 0;
	if (d->from.flags & INFO_UNRESOLVED)
		look_up_address(&d->from, (void *)d->src);
	if (d->to.flags & INFO_UNRESOLVED)
		look_up_address(&d->to, (void *)d->dst);
	if ((d->from.flags | d->to.flags) & INFO_UNRESOLVED && now < d->defer_until_ns)
		return 1;
	d->defer_until_ns = 0;
	return 0;
}

/* A drop without an entry: counted by reason alone. */
static __always_inline void count_unnamed(__u32 reason, __u64 bytes)
{
	__u32 at = reason < REASONS_UNNAMED ? reason : REASONS_UNNAMED - 1;
	struct count *n = bpf_map_lookup_elem(&drops_unnamed, &at);

	add_atomic(n, bytes);
	count_atomic(DROPS_FULL, bytes);
}
