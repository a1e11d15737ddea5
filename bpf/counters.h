/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * counters.h - packets seen, ignored and lost by the programs, by enum counter.
 *
 * Out:   `counters`, per CPU. Values never decrease; user space takes differences.
 */
#pragma once

#include "weir.h"

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* 16 B a counter and CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTERS);
	__type(key, __u32);
	__type(value, struct count);
} counters SEC(".maps");

/* One packet of `bytes`. Not atomic: the counter is per-CPU and tc runs with softirqs off. */
static __always_inline void count(__u32 which, __u64 bytes)
{
	struct count *n = bpf_map_lookup_elem(&counters, &which);

	if (n) {
		n->packets += 1;
		n->bytes += bytes;
	}
}

static __always_inline void add_atomic(struct count *n, __u64 bytes)
{
	if (!n)
		return;
	__sync_fetch_and_add(&n->packets, 1);
	__sync_fetch_and_add(&n->bytes, bytes);
}

/* count() for programs that may interrupt each other on one CPU. */
static __always_inline void count_atomic(__u32 which, __u64 bytes)
{
	add_atomic(bpf_map_lookup_elem(&counters, &which), bytes);
}
