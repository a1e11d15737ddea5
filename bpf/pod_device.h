/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pod_device.h - interfaces of pods that are in no pair with an interface of the node: macvlan, ipvlan, hardware.
 *
 * In:    `pod_ends` with their numbers, and the maps below, which user space writes. A number has its
 *        highest bit set, so it is none of the kernel's.
 * Out:   the number of the interface that a packet at its parent belongs to.
 */
#pragma once

#include "packet.h"
#include "pod_end.h"
#include "weir.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/types.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <stddef.h>

/* Inode numbers of the namespaces with such an interface. About 60 B an entry. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u8);
} pod_namespaces SEC(".maps");

struct device_address {
	__u32 number;
	__u32 parent; /* interface of the node; 0: the parent is elsewhere, or hardware */
	__u32 is_l3s;
};

/* By address of such an interface. About 80 B an entry. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 8192);
	__type(key, __u32[4]);
	__type(value, struct device_address);
} device_addresses SEC(".maps");

/* At the parent's ingress: the interface behind the destination address; 0: none. What an ipvlan
 * device of mode L3S receives from other machines does not pass its ingress hook, since the kernel
 * delivers it above the network layer of the parent. */
static __always_inline __u32 l3s_interface(struct __sk_buff *skb)
{
	__u32 addr[4], addr_be;
	struct device_address *device;

	if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		if (bpf_skb_load_bytes_relative(skb, offsetof(struct ipv6hdr, daddr), addr,
						sizeof(addr), BPF_HDR_START_NET))
			return 0;
	} else if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (bpf_skb_load_bytes_relative(skb, offsetof(struct iphdr, daddr), &addr_be,
						sizeof(addr_be), BPF_HDR_START_NET))
			return 0;
		map_ipv4(addr, addr_be);
	} else {
		return 0;
	}
	device = bpf_map_lookup_elem(&device_addresses, addr);
	return device && device->is_l3s && device->parent == skb->ifindex ? device->number : 0;
}

static __always_inline int is_child(const void *addr, __u32 parent)
{
	struct device_address *device = bpf_map_lookup_elem(&device_addresses, addr);

	return device && device->parent == parent;
}

/* Whether an uplink is the parent of a pod's interface that the packet passes as well: it is the
 * same step of its way. Packets between two children would even look like received ones. */
static __noinline int is_counted_at_child(const struct flow_key *key)
{
	return key && (is_child(key->a, key->ifindex) || is_child(key->b, key->ifindex));
}
