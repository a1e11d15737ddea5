/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pod_device.h - interfaces of pods that are in no pair with an interface of the node: macvlan, ipvlan, hardware.
 *
 * In:    `pod_ends` with their numbers, and the maps below, which user space writes. A number has its
 *        highest bit set, so it is none of the kernel's.
 * Out:   the number of the interface that an ipvlan L3S device's packet will reach.
 */
#pragma once

#include "packet.h"

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

/* By address: interfaces of mode L3S, whose packets from other machines do not pass their ingress
 * hook. The kernel delivers them above the network layer of the parent. About 70 B an entry. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 8192);
	__type(key, __u32[4]);
	__type(value, __u32);
} l3s_addresses SEC(".maps");

/* At the parent's ingress: the interface behind the destination address; 0: none. */
static __always_inline __u32 l3s_interface(struct __sk_buff *skb)
{
	__u32 addr[4], addr_be, *number;

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
	number = bpf_map_lookup_elem(&l3s_addresses, addr);
	return number ? *number : 0;
}
