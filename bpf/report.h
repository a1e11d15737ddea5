/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * report.h - a record of one connection on the ring, with its unreported counts.
 *
 * Fail:  the ring is full: the counts are put back.
 */
#pragma once

#include "connection.h"
#include "conntrack.h"
#include "counters.h"
#include "ring.h"
#include "weir.h"

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Packet bytes that a record carries. */
#define CAPTURE_BYTES 128

/* Too large for the stack; tc runs with softirqs off, so a CPU has one user at a time. */
struct track_scratch {
	struct connection entry;
	struct trace_record record;
	__u8 bytes[CAPTURE_BYTES]; /* must follow the record: both are sent as one */
	struct conntrack_tuples tuples;
	struct ip_info info;
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

/* The record, then `cap` bytes of the packet. The perf ring copies them from the packet; for the
 * ring buffer they go through the scratch. */
static __always_inline long write_trace(struct __sk_buff *skb, struct track_scratch *s, __u64 cap)
{
	__u64 last = cap - 1;

	if (ring_kind != RING_BUFFER)
		return bpf_perf_event_output(skb, &events, cap << 32 | BPF_F_CURRENT_CPU,
					     &s->record, sizeof(s->record));
	if (last >= CAPTURE_BYTES)
		return write_to_buffer(&s->record, sizeof(s->record));
	/* the verifier of 6.1 learns nothing from a comparison with 0: the least length is 1 */
	asm volatile("" : "+r"(last));
	last &= CAPTURE_BYTES - 1;
	bpf_skb_load_bytes(skb, 0, s->bytes, last + 1);
	return write_to_buffer(&s->record, sizeof(s->record) + last + 1);
}

/* What a record is for. */
#define REPORT_PACKET 0	 /* the packet at hand, and counts unless they are deferred */
#define REPORT_PENDING 1 /* counts of earlier packets, in the initiator's direction */
#define REPORT_RENAMED 2 /* the same, and the connection goes on under other names */
#define REPORT_BARE 3	 /* REPORT_PACKET, for a packet that starts with its IP header */

/* Returns 0 when the ring is full. */
static __noinline int report(struct __sk_buff *skb, const struct flow_key *key,
			     struct connection *c, __u32 direction, __u32 what)
{
	struct track_scratch *s = scratch();
	__u64 cap = skb->len < CAPTURE_BYTES ? skb->len : CAPTURE_BYTES, any = 1;

	if (!s || !key || !c)
		return 0;
	__builtin_memset(&s->record, 0, sizeof(s->record));
	describe(&s->record, key, c, direction);
	if (what == REPORT_BARE)
		s->record.hdr.flags |= CLASS_L3_DEVICE;
	if (what == REPORT_PACKET || what == REPORT_BARE) {
		s->record.hdr.hash = skb->hash;
		s->record.hdr.len_orig = skb->len;
		s->record.hdr.len_cap = cap;
	} else {
		cap = 0;
	}
	if (what == REPORT_RENAMED)
		s->record.ext.timed_out = 2;
	/* a record shows its packet even while the counts are deferred */
	if (!c->defer_until_ns || !still_deferred(c, key, bpf_ktime_get_ns()))
		any = take(c, &s->record.ext);
	if (what == REPORT_PENDING && !any)
		return 1;
	if (!write_trace(skb, s, cap))
		return 1;
	put_back(c, &s->record.ext);
	count(RING_FULL, 0);
	return 0;
}
