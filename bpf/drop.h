/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * drop.h - packets that the kernel frees with a drop reason.
 *
 * Hook:  tp_btf/kfree_skb, twice, for all network namespaces; those of this node count.
 * Out:   `drops`, counts by kind; an example record on the ring, at most one a kind and
 *        interval, so that a flood of drops cannot overload the node.
 * Fail:  `drops` is full, or this CPU is changing it: counts by reason alone, in `drops_unnamed`.
 */
#pragma once

#include "counters.h"
#include "delivered.h"
#include "drop_netns.h"
#include "drop_table.h"
#include "ip_cache.h"
#include "kernel.h"
#include "life.h"
#include "nesting.h"
#include "packet.h"
#include "ring.h"
#include "skb.h"
#include "weir.h"

#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

/* Between two examples of one kind. */
const volatile __u64 drop_interval_ns = 100000000;

struct drop_scratch {
	struct drop_record record;
	__u8 bytes[DROP_CAPTURE]; /* must follow the record: both are sent as one */
	struct packet packet;
	struct drop entry;
};

/* By depth: a run may interrupt another, see nesting.h. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CONTEXTS);
	__type(key, __u32);
	__type(value, struct drop_scratch);
} drop_scratch SEC(".maps");

static __always_inline struct drop *new_drop(struct drop_scratch *s, const struct drop_key *key,
					     const struct sk_buff *skb, const struct ip_info *src,
					     const struct ip_info *dst)
{
	__builtin_memset(&s->entry, 0, sizeof(s->entry));
	set_example(&s->entry, skb, &s->packet, src, dst);
	if (key->detail & DETAIL_ADDRESSES)
		s->entry.defer_until_ns = bpf_ktime_get_ns() + entity_wait_ns;
	/* -EEXIST: another CPU was first; its entry will do */
	if (!bpf_map_update_elem(&drops, key, &s->entry, BPF_NOEXIST))
		count_entry(key, 1);
	return bpf_map_lookup_elem(&drops, key);
}

/* As fine a kind as the labels show, of what is known of the packet. */
static __always_inline void set_drop_key(struct drop_key *key, const struct packet *p, __u32 reason,
					 const struct ip_info *src, const struct ip_info *dst)
{
	__u32 zero = 0, *labels = bpf_map_lookup_elem(&drop_labels, &zero);

	key->src_entity = src->entity;
	key->dst_entity = dst->entity;
	key->reason = reason;
	key->proto = p->proto;
	if (labels && *labels & DROP_LABEL_PORT && has_ports(p->proto)) {
		key->detail |= DETAIL_PORT;
		key->dst_port = p->dst_port;
	}
	if ((src->flags | dst->flags) & INFO_UNRESOLVED) {
		key->detail |= DETAIL_ADDRESSES;
		__builtin_memcpy(key->src, p->src, sizeof(key->src));
		__builtin_memcpy(key->dst, p->dst, sizeof(key->dst));
	}
}

/* The entry of a kind, or of a coarser one when there is no room. */
static __always_inline struct drop *find_drop(struct drop_scratch *s, struct drop_key *key,
					      const struct sk_buff *skb, const struct ip_info *src,
					      const struct ip_info *dst, __u64 bytes)
{
	struct drop *d = NULL;

	for (int level = 0; level < 3; level++) {
		d = bpf_map_lookup_elem(&drops, key);
		if (!d && has_share(key))
			d = new_drop(s, key, skb, src, dst);
		if (d) {
			if (level)
				count_atomic(DROPS_COARSE, bytes);
			return d;
		}
		if (!coarsen(key))
			return NULL;
	}
	return NULL;
}

/* Whether to report this packet as an example. When several CPUs ask at once, one gets 1. */
static __always_inline int is_example_due(struct drop *d, __u64 now)
{
	__u64 previous = d->reported_ns;

	return since(now, previous) >= drop_interval_ns &&
	       __sync_val_compare_and_swap(&d->reported_ns, previous, now) == previous;
}

static __always_inline long write_drop(void *ctx, struct drop_scratch *s, __u64 size)
{
	if (ring_kind == RING_BUFFER)
		return write_to_buffer(&s->record, size);
	return bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &s->record, size);
}

/* Reports the counts of its kind, with this packet as the example. */
static __always_inline void report_drop(void *ctx, struct drop_scratch *s,
					const struct sk_buff *skb, const struct drop_key *key,
					struct drop *d, __u32 size, __u64 bytes)
{
	__builtin_memset(&s->record, 0, sizeof(s->record));
	describe_drop(&s->record, key, d);
	s->record.hdr.hash = skb->hash;
	s->record.hdr.len_orig = bytes;
	s->record.hdr.len_cap = size;
	if (!drop_still_deferred(d, d->last_ns))
		take_drop(d, &s->record.ext);
	if (size <= DROP_CAPTURE && !write_drop(ctx, s, sizeof(s->record) + size))
		return;
	put_drop_back(d, &s->record.ext);
	count_atomic(RING_FULL, 0);
}

static __always_inline void drop_packet(void *ctx, struct drop_scratch *s,
					const struct sk_buff *skb, __u32 reason)
{
	struct ip_info src = {}, dst = {};
	struct drop_key key = {};
	struct drop *d;
	__u64 bytes, now;
	__u32 size;

	__builtin_memset(&s->packet, 0, sizeof(s->packet));
	size = copy_headers(skb, s->bytes);
	if (!parse_freed(&s->packet, skb)) {
		count_atomic(DROPS_IGNORED, skb->len);
		return;
	}
	bytes = whole_length(skb);
	if (!is_on_this_node(skb)) {
		count_atomic(DROPS_ELSEWHERE, bytes);
		return;
	}
	if (was_delivered(skb, &s->packet, reason)) {
		count_atomic(DROPS_DELIVERED, bytes);
		return;
	}
	count_atomic(DROPS_SEEN, bytes);
	look_up(&src, (void *)s->packet.src);
	look_up(&dst, (void *)s->packet.dst);
	set_drop_key(&key, &s->packet, reason, &src, &dst);
	d = find_drop(s, &key, skb, &src, &dst, bytes);
	if (!d || !keep_alive(&d->life)) {
		count_unnamed(reason, bytes);
		return;
	}
	__sync_fetch_and_add(&d->packets, 1);
	__sync_fetch_and_add(&d->bytes, bytes);
	now = bpf_ktime_get_ns();
	d->last_ns = now;
	if (!is_example_due(d, now))
		return;
	set_example(d, skb, &s->packet, &src, &dst);
	report_drop(ctx, s, skb, &key, d, size, bytes);
}

static __noinline int count_free(void *ctx, struct sk_buff *skb, __u32 reason)
{
	struct frees *f = frees_here();
	struct drop_scratch *s;
	__u32 depth;

	if (!f || is_no_drop(reason))
		return 0;
	depth = f->depth++;
	s = bpf_map_lookup_elem(&drop_scratch, &depth);
	if (s)
		drop_packet(ctx, s, skb, reason);
	f->depth = depth;
	return 0;
}

/* Not by BPF_PROG, which reads every argument: where the tracepoint has no reason, the verifier
 * refuses a program that reads it. */
SEC("tp_btf/kfree_skb")
int weir_drop(__u64 *ctx)
{
	struct sk_buff *skb = (void *)ctx[0];
	struct frees *f = frees_here();

	if (!f)
		return 0;
	note_free(f, skb, ctx);
	return count_free(ctx, skb, drop_reasons ? ctx[2] : not_specified);
}

/* Attached behind weir_drop, for the frees that the kernel did not let it see. */
SEC("tp_btf/kfree_skb")
int weir_drop_nested(__u64 *ctx)
{
	struct sk_buff *skb = (void *)ctx[0];
	struct frees *f = frees_here();

	if (!f || was_noted(f, skb))
		return 0;
	count_atomic(DROPS_NESTED, 0);
	return count_free(ctx, skb, drop_reasons ? ctx[2] : not_specified);
}
