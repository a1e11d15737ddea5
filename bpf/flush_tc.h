/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * flush_tc.h - the flush programs as tc programs, for kernels before 6.1.
 *
 * There a `syscall` program, which is sleepable, may only use preallocated maps, and a preallocated
 * connection table would always take the memory of a full one. A tc program may use any map, and
 * BPF_PROG_TEST_RUN runs it as well.
 *
 * In:    struct pass as the packet. The kernel takes its bytes 12 and 13 for an ethertype: `stale`,
 *        0 or 1, which is no protocol's.
 * Out:   struct pass, in the packet.
 * Never: disables softirqs: packets interrupt a run. It is one RCU read section, though, so memory
 *        that other CPUs free meanwhile waits for its end.
 */
#pragma once

#include "flush_connections.h"
#include "flush_drops.h"
#include "weir.h"

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <stddef.h>

/* For the verifier: the packet is as long as the pass. */
static __always_inline struct pass *pass_of(struct __sk_buff *skb)
{
	struct pass *pass = (void *)(long)skb->data;

	return (void *)(pass + 1) <= (void *)(long)skb->data_end ? pass : NULL;
}

SEC("tc")
int weir_flush_tc(struct __sk_buff *skb)
{
	struct pass *pass = pass_of(skb);

	return pass ? flush_connections(pass) : 0;
}

SEC("tc")
int weir_flush_drops_tc(struct __sk_buff *skb)
{
	struct pass *pass = pass_of(skb);

	return pass ? flush_drops(pass) : 0;
}

_Static_assert(offsetof(struct pass, stale) == 12, "no ethertype");
