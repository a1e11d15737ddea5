/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * drop_table.h - the table of drops: one entry for each kind of drop, and how its counts are taken.
 *
 * A kind is one reason, protocol and destination port between two entities, or between two
 * addresses while a name is unresolved.
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
	__u16 dst_port;
	__u8 proto;
	__u8 unresolved; /* 1: src and dst are set, because a name may still come */
	__u32 src[4];
	__u32 dst[4];
};

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
	__u8 ipv6;
	__u8 pad[5];
};

#define DROPS 8192

/* About 190 B an entry, preallocated: 1.5 MB. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DROPS);
	__type(key, struct drop_key);
	__type(value, struct drop);
} drops SEC(".maps");

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
	r->hdr.dst_label = d->to.identity;
	r->hdr.ifindex = d->ifindex;
	r->hdr.flags = CLASS_L3_DEVICE | (d->ipv6 ? CLASS_IPV6 : 0);
	__builtin_memcpy(r->ext.src, d->src, sizeof(r->ext.src));
	__builtin_memcpy(r->ext.dst, d->dst, sizeof(r->ext.dst));
	r->ext.src_entity = d->from.entity;
	r->ext.dst_entity = d->to.entity;
	r->ext.reason = key->reason;
	r->ext.src_port = d->src_port;
	r->ext.dst_port = key->dst_port;
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
