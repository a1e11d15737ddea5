/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * drop_netns.h - whether a packet was dropped on this node: in the watched network namespace or in a pod's.
 *
 * In:    the freed packet's interface, else its socket. A pod's namespace has a veth or netkit
 *        interface whose peer is a watched interface of a pod, or is in `pod_namespaces`.
 * Out:   1 or 0, so that of several nodes on one machine (kind, k3d) each counts its own drops.
 * Never: doubts a packet without an interface and without a socket: it counts.
 */
#pragma once

#include "kernel.h"
#include "life.h"
#include "pod_device.h"
#include "pod_interface.h"

#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* Lower than the kernel's numbers of namespaces (PROC_DYNAMIC_FIRST, include/linux/proc_fs.h). While a
 * socket has the packet, skb->dev holds something else. */
#define LEAST_NETNS 0xEFFFFF00U
#define NETDEV_ALIGN 32
/* Interfaces of a namespace to look at: lo and the fallback tunnels come first. */
#define DEVICES_MAX 24
/* A pod's interface may come to its namespace after the first drop there. */
#define VERDICT_NS 1000000000ULL

struct netns_verdict {
	__u64 since_ns;
	__u32 is_ours;
	__u32 pad;
};

/* By inode number. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct netns_verdict);
} netns_verdicts SEC(".maps");

static __always_inline __u32 netns_of(const struct net_device *dev)
{
	return BPF_CORE_READ(dev, nd_net.net, ns.inum);
}

static __always_inline int is_name(const char *name, const char *constant)
{
#pragma unroll
	for (int i = 0; i < 7; i++) {
		if (name[i] != constant[i])
			return 0;
		if (!name[i])
			break;
	}
	return 1;
}

/* The first word of both drivers' private data, which follows struct net_device. */
static __always_inline const struct net_device *peer_of(const struct net_device *dev)
{
	const char *kind = BPF_CORE_READ(dev, rtnl_link_ops, kind);
	__u64 size = bpf_core_type_size(struct net_device);
	const struct net_device *peer = 0;
	char name[8] = {};

	if (bpf_probe_read_kernel_str(name, sizeof(name), kind) < 0)
		return 0;
	if (!is_name(name, "veth") && !is_name(name, "netkit"))
		return 0;
	size = (size + NETDEV_ALIGN - 1) & ~(__u64)(NETDEV_ALIGN - 1);
	bpf_probe_read_kernel(&peer, sizeof(peer), (const void *)dev + size);
	return peer;
}

/* Whether an interface is a pod's end. */
static __noinline int is_pod_end(const struct net_device *dev)
{
	const struct net_device *peer = peer_of(dev);
	__u32 ifindex;

	if (!peer || netns_of(peer) != watched_netns)
		return 0;
	ifindex = BPF_CORE_READ(peer, ifindex);
	return bpf_map_lookup_elem(&pod_interfaces, &ifindex) != 0;
}

static __noinline int has_pod_end(const struct net *net)
{
	const struct list_head *head, *at;

	head = (const void *)net + bpf_core_field_offset(struct net, dev_base_head);
	at = BPF_CORE_READ(net, dev_base_head.next);
	for (int i = 0; i < DEVICES_MAX && at && at != head; i++) {
		if (is_pod_end((const void *)at -
			       bpf_core_field_offset(struct net_device, dev_list)))
			return 1;
		at = BPF_CORE_READ(at, next);
	}
	return 0;
}

static __always_inline int is_pod_netns(const struct net *net, __u32 number)
{
	struct netns_verdict now = {.since_ns = bpf_ktime_get_ns()}, *known;

	if (bpf_map_lookup_elem(&pod_namespaces, &number))
		return 1;
	known = bpf_map_lookup_elem(&netns_verdicts, &number);
	if (known && since(now.since_ns, known->since_ns) < VERDICT_NS)
		return known->is_ours;
	now.is_ours = has_pod_end(net);
	bpf_map_update_elem(&netns_verdicts, &number, &now, BPF_ANY);
	return now.is_ours;
}

static __noinline int is_on_this_node(const struct sk_buff *skb)
{
	const struct net_device *dev = BPF_CORE_READ(skb, dev);
	const struct net *net = BPF_CORE_READ(dev, nd_net.net);
	__u32 number = BPF_CORE_READ(net, ns.inum);

	if (!watched_netns || number == watched_netns)
		return 1;
	if (number >= LEAST_NETNS)
		return is_pod_end(dev) || is_pod_netns(net, number);
	net = BPF_CORE_READ(skb, sk, __sk_common.skc_net.net);
	number = BPF_CORE_READ(net, ns.inum);
	return number < LEAST_NETNS || number == watched_netns || is_pod_netns(net, number);
}
