/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ring.h - the ring that carries records to user space: a perf ring, or a BPF ring buffer where
 * perf events are refused.
 *
 * In:    `ring_kind`, which user space sets before the load; the verifier removes the other branch.
 * Fail:  a full ring refuses a record: the writer puts its counts back and counts RING_FULL.
 * Never: wakes the reader for each record: that costs 6-7 us in the packet path.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#define RING_PERF 0
#define RING_BUFFER 1

const volatile __u32 ring_kind = RING_PERF;

/* Bytes in the BPF ring buffer from which it wakes the reader: half of it, as for the perf ring. */
const volatile __u64 ring_watermark = 2048;

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} events SEC(".maps");

/* One page, unless it is the ring in use. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} event_buffer SEC(".maps");

/* Above the watermark, one record in each sixteenth of the ring wakes the reader: two CPUs that
 * pass the watermark together may each see the ring below it. */
static __always_inline __u64 wake_up(__u64 size)
{
	__u64 before = bpf_ringbuf_query(&event_buffer, BPF_RB_AVAIL_DATA);
	__u64 after = before + size, step = ring_watermark / 8;

	if (after < ring_watermark || before / step == after / step)
		return BPF_RB_NO_WAKEUP;
	return BPF_RB_FORCE_WAKEUP;
}

/* Returns 0, or a negative error if the ring is full. */
static __always_inline long write_to_buffer(void *record, __u64 size)
{
	return bpf_ringbuf_output(&event_buffer, record, size, wake_up(size));
}
