/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pod_interface.h - the pod behind an interface: what comes from it is that pod's, whatever its address.
 *
 * In:    `pod_interfaces`, which user space writes.
 * Out:   struct ip_info of the interface's own side.
 */
#pragma once

#include "ip_cache.h"
#include "weir.h"

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Inode number of the watched network namespace; 0: drops of all namespaces count. */
const volatile __u32 watched_netns = 0;

/* Reserved identities, and their entities; src/datapath/identity/identity.ts. */
#define WORLD 2
#define UNMANAGED 3
#define WORLD_IPV4 9
#define WORLD_IPV6 10

/* Watched interfaces of pods. Entity 0: the pod is not known. About 60 B an entry in use. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct ip_info);
} pod_interfaces SEC(".maps");

/* By interface, then by address. Returns 0 and leaves `info` alone when neither is known. */
static __noinline int look_up_pod(struct ip_info *info, const __u8 *addr, __u32 ifindex)
{
	struct ip_info *found;

	if (!info || !addr)
		return 0;
	found = bpf_map_lookup_elem(&pod_interfaces, &ifindex);
	if (!found || !found->entity)
		return look_up_address(info, addr);
	*info = *found;
	return 1;
}

/* The interface's own side of a connection. A pod has a name of its own at least: the world is not
 * behind its interface. */
static __noinline int look_up_own(struct ip_info *info, const __u8 *addr, __u32 ifindex)
{
	if (!info || !addr || look_up_pod(info, addr, ifindex))
		return 0;
	look_up(info, addr);
	if (info->entity && info->entity != WORLD && info->entity != WORLD_IPV4 &&
	    info->entity != WORLD_IPV6)
		return 0;
	info->identity = UNMANAGED;
	info->entity = UNMANAGED;
	info->flags &= INFO_UNRESOLVED;
	return 0;
}

/* Side `a` of a connection. A pod's interface decides; the node behind an uplink has many addresses. */
static __always_inline void look_up_a(struct ip_info *info, const __u8 *addr, __u32 ifindex,
				      __u8 hook)
{
	if (hook == HOOK_POD)
		look_up_own(info, addr, ifindex);
	else
		look_up(info, addr);
}

/* Whether side `a` has a name for certain. */
static __always_inline int resolve_a(struct ip_info *info, const __u8 *addr, __u32 ifindex,
				     __u8 hook)
{
	return (hook == HOOK_POD ? look_up_pod(info, addr, ifindex)
				 : look_up_address(info, addr)) &&
	       !(info->flags & INFO_UNRESOLVED);
}
