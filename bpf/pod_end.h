/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pod_end.h - packets that reach a pod without passing the host's side of its veth.
 *
 * bpf_redirect_peer(), called by another program at the ingress of an interface of the node, moves
 * the packet straight to the ingress of the pod's side, in the same run of the receive path. So the
 * programs at the node's ingress hooks, which run before the other one, note the packet, and the
 * program at the pod's side counts those that it meets next on the same CPU. All others have passed
 * the host's side and are counted there.
 *
 * Rejected: a mark in the packet's metadata. Everything that the kernel keeps while a packet
 * crosses the veth, others may write too; a clsact program that returns TC_ACT_OK resets tc_index.
 */
#pragma once

#include "kernel.h"

#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* Whether programs are attached at the pods' sides. */
const volatile __u8 pod_ends_watched = 0;

struct pod_end {
	__u32 netns;   /* inode number of the network namespace */
	__u32 ifindex; /* in that namespace */
};

/* By interface in a pod's namespace: the host's interface of the pair, or the number of an interface
 * that is in no pair (pod_device.h). About 80 B an entry. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, struct pod_end);
	__type(value, __u32);
} pod_ends SEC(".maps");

/* The packet that arrived last on this CPU. */
struct arrival {
	__u64 skb; /* its address, 0: none */
	__u64 jiffies;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct arrival);
} arrivals SEC(".maps");

static __always_inline struct arrival *last_arrival(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&arrivals, &zero);
}

/* At the ingress of an interface of the node. */
static __always_inline void note_arrival(struct __sk_buff *skb)
{
	struct arrival *last = pod_ends_watched ? last_arrival() : NULL;

	if (!last)
		return;
	last->skb = (__u64)skb;
	last->jiffies = bpf_jiffies64();
}

/* Returns whether the packet is the one that arrived last; then none is any more. At the host's
 * side the packet is counted, whatever its address is used for next. */
static __always_inline int take_arrival(struct __sk_buff *skb)
{
	struct arrival *last = pod_ends_watched ? last_arrival() : NULL;

	if (!last || last->skb != (__u64)skb)
		return 0;
	last->skb = 0;
	return bpf_jiffies64() - last->jiffies <= 1;
}

/* Where a packet counts that is at a pod's interface; 0: unknown. */
static __always_inline __u32 counted_interface(struct __sk_buff *ctx)
{
	struct sk_buff *skb = (void *)ctx;
	struct pod_end key = {
	    .netns = BPF_CORE_READ(skb, dev, nd_net.net, ns.inum),
	    .ifindex = ctx->ifindex,
	};
	__u32 *ifindex = bpf_map_lookup_elem(&pod_ends, &key);

	return ifindex ? *ifindex : 0;
}
