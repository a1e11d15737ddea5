/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * drop.h - packets that the kernel frees with a reason.
 *
 * Hook:  tp_btf/kfree_skb, twice, for every namespace of the machine.
 * Out:   `drops`, counts by entities, reason, protocol and port; an example record on the ring at
 *        most every interval and kind, so that a flood of drops can't melt the node.
 * Fail:  a full table, or one that this CPU is changing: counts by reason alone, in
 * `drops_unnamed`.
 */
#pragma once

#define SKB_CONSUMED 1 /* enum skb_drop_reason: this and 0 are no drops */
#define REASONS_UNNAMED 512

const volatile __u64 drop_interval_ns = 100000000;

/* Reasons of the running kernel, 0 where it has them not, under which it frees what had arrived:
 * QUEUE_PURGE, what a socket had received and did not read before it closed, the last FIN of most
 * connections included; NO_SOCKET, for an echo reply that a raw socket like ping's had read. */
const volatile __u32 queue_purge = 0;
const volatile __u32 no_socket = 0;

struct drop_key {
	__u32 src_entity;
	__u32 dst_entity;
	__u32 reason;
	__u16 dst_port;
	__u8 proto;
	__u8 unresolved; /* 1: by address, since a name may come */
	__u32 src[4];
	__u32 dst[4];
};

/* What a kind owes; ifindex and from `from` on: the packet that was told last. */
struct drop {
	__u32 life;
	__u32 ifindex;
	__u64 packets;
	__u64 bytes;
	__u64 reported_ns;
	__u64 last_ns;
	__u64 expiring_ns;
	__u64 defer_until_ns; /* until when its counts wait for names; 0: they don't */
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

/* By reason; the last one holds every reason above it. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REASONS_UNNAMED);
	__type(key, __u32);
	__type(value, struct count);
} drops_unnamed SEC(".maps");

struct drop_scratch {
	struct drop_record record;
	__u8 bytes[DROP_CAPTURE]; /* behind the record: sent in one piece */
	struct packet packet;
	struct drop fresh;
};

/* By depth: a run may interrupt another one, see frees.h. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CONTEXTS);
	__type(key, __u32);
	__type(value, struct drop_scratch);
} drop_scratch SEC(".maps");

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

/* The packet that stands for its kind from now on. One CPU at a time does it, see due(); a sweep on
 * another may read while this writes, so what it shows may be of two packets, never what it counts.
 */
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

static __always_inline struct drop *open_drop(struct drop_scratch *s, const struct drop_key *key,
					      const struct sk_buff *skb, const struct ip_info *src,
					      const struct ip_info *dst)
{
	__builtin_memset(&s->fresh, 0, sizeof(s->fresh));
	set_example(&s->fresh, skb, &s->packet, src, dst);
	if (key->unresolved)
		s->fresh.defer_until_ns = bpf_ktime_get_ns() + entity_wait_ns;
	/* -EEXIST: another CPU was first, and its entry is as good */
	bpf_map_update_elem(&drops, key, &s->fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&drops, key);
}

/* Whether this packet is its kind's next example: of those that ask at once, one is told yes. */
static __always_inline int is_example_due(struct drop *d, __u64 now)
{
	__u64 told = d->reported_ns;

	return since(now, told) >= drop_interval_ns &&
	       __sync_val_compare_and_swap(&d->reported_ns, told, now) == told;
}

/* Names that came meanwhile; whether counts still wait. */
static __always_inline int is_drop_deferred(struct drop *d, __u64 now)
{
	if (!d->defer_until_ns)
		return 0;
	if (d->from.unresolved)
		look_up_address(&d->from, (void *)d->src);
	if (d->to.unresolved)
		look_up_address(&d->to, (void *)d->dst);
	if ((d->from.unresolved | d->to.unresolved) && now < d->defer_until_ns)
		return 1;
	d->defer_until_ns = 0;
	return 0;
}

static __always_inline void count_unnamed(__u32 reason, __u64 bytes)
{
	__u32 at = reason < REASONS_UNNAMED ? reason : REASONS_UNNAMED - 1;
	struct count *n = bpf_map_lookup_elem(&drops_unnamed, &at);

	add_atomic(n, bytes);
	count_atomic(DROPS_FULL, bytes);
}

static __always_inline int was_delivered(const struct packet *p, __u32 reason)
{
	return reason == queue_purge || (reason == no_socket && is_echo_reply(p));
}

/* What the kind owes, with this packet as its example. */
static __always_inline void report_drop(void *ctx, struct drop_scratch *s, const struct sk_buff *skb,
				      const struct drop_key *key, struct drop *d, __u32 size,
				      __u64 bytes)
{
	__builtin_memset(&s->record, 0, sizeof(s->record));
	describe_drop(&s->record, key, d);
	s->record.hdr.hash = skb->hash;
	s->record.hdr.len_orig = bytes;
	s->record.hdr.len_cap = size;
	if (!is_drop_deferred(d, d->last_ns))
		take_drop(d, &s->record.ext);
	if (size <= DROP_CAPTURE && !bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU,
							   &s->record, sizeof(s->record) + size))
		return;
	put_drop_back(d, &s->record.ext);
	count_atomic(RING_FULL, 0);
}

static __always_inline int alive_drop(struct drop *d)
{
	return d->life == LIFE_ALIVE ||
	       __sync_val_compare_and_swap(&d->life, LIFE_EXPIRING, LIFE_ALIVE) != LIFE_GONE;
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
	if (!parse_dropped(&s->packet, s->bytes, size, skb->protocol)) {
		count_atomic(DROPS_IGNORED, skb->len);
		return;
	}
	bytes = whole_length(skb);
	if (was_delivered(&s->packet, reason)) {
		count_atomic(DROPS_DELIVERED, bytes);
		return;
	}
	count_atomic(DROPS_SEEN, bytes);
	look_up(&src, (void *)s->packet.src);
	look_up(&dst, (void *)s->packet.dst);
	key.src_entity = src.entity;
	key.dst_entity = dst.entity;
	key.reason = reason;
	key.dst_port = s->packet.dst_port;
	key.proto = s->packet.proto;
	if (src.unresolved | dst.unresolved) {
		key.unresolved = 1;
		__builtin_memcpy(key.src, s->packet.src, sizeof(key.src));
		__builtin_memcpy(key.dst, s->packet.dst, sizeof(key.dst));
	}
	d = bpf_map_lookup_elem(&drops, &key);
	if (!d)
		d = open_drop(s, &key, skb, &src, &dst);
	if (!d || !alive_drop(d)) {
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

	if (!f || reason <= SKB_CONSUMED)
		return 0;
	depth = f->depth++;
	s = bpf_map_lookup_elem(&drop_scratch, &depth);
	if (s)
		drop_packet(ctx, s, skb, reason);
	f->depth = depth;
	return 0;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(weir_drop, struct sk_buff *skb, void *location, __u32 reason)
{
	struct frees *f = frees_here();

	if (!f)
		return 0;
	note_free(f, skb, ctx);
	return count_free(ctx, skb, reason);
}

/* Attached behind weir_drop, for what the kernel kept from it. */
SEC("tp_btf/kfree_skb")
int BPF_PROG(weir_drop_nested, struct sk_buff *skb, void *location, __u32 reason)
{
	struct frees *f = frees_here();

	if (!f || was_noted(f, skb))
		return 0;
	count_atomic(DROPS_NESTED, 0);
	return count_free(ctx, skb, reason);
}

/* What is written starts at `size`; `align` keeps the record at its own alignment. */
struct drop_frame {
	__u32 align;
	__u32 size;
	struct drop_record record;
};

static long flush_drop(void *map, const struct drop_key *key, struct drop *d, struct flush *s)
{
	struct drop_frame frame = {.size = sizeof(struct drop_record)};
	__u64 now = bpf_ktime_get_ns();
	struct drop_key own = *key;
	int gone;

	if (!has_room(s, sizeof(frame)))
		return 1;
	s->run->visited++;
	/* by address there may be many */
	gone =
	    expire(&d->life, &d->expiring_ns, since(now, d->last_ns),
		   own.unresolved && entity_wait_ns < idle_drop_ns ? entity_wait_ns : idle_drop_ns, now);
	if (is_drop_deferred(d, now) && !gone)
		return 0;
	if (take_drop(d, &frame.record.ext)) {
		describe_drop(&frame.record, &own, d);
		write_frame(s, &frame.size, sizeof(frame) - sizeof(frame.align));
	}
	if (gone) {
		bpf_map_delete_elem(&drops, &own);
		s->run->deleted++;
	}
	return 0;
}

SEC("syscall")
int weir_flush_drops(struct pass *pass)
{
	struct flush s = {};

	if (!begin_run(&s, pass))
		return 0;
	bpf_for_each_map_elem(&drops, flush_drop, &s, 0);
	return end_run(&s, pass);
}

_Static_assert(DROPS * sizeof(struct drop_frame) <= FLUSH_BYTES, "all drops fit one run");
