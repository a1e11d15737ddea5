/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * count.h - what the programs saw, ignored and could not do, by enum counter.
 *
 * Out:   `counters`, per CPU; they only grow, so user space takes differences.
 */
#pragma once

/* 16 B a counter and CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTERS);
	__type(key, __u32);
	__type(value, struct count);
} counters SEC(".maps");

/* Per-CPU, so no atomic; one packet of that many bytes. */
static __always_inline void count(__u32 which, __u64 bytes)
{
	struct count *n = bpf_map_lookup_elem(&counters, &which);

	if (n) {
		n->packets += 1;
		n->bytes += bytes;
	}
}
