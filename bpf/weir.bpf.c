// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * weir.bpf.c - the datapath: counts every packet at the veths of the pods and the uplinks, exactly.
 *
 * Hook:  tc ingress and egress of pod veths and uplinks, ingress of the pods' side, pods' own
 *        interfaces; tp_btf/kfree_skb.
 * Out:   records on the ring and in the flush buffer (weir.h); tables `connections`, `drops`,
 *        `overflow`, `counters`.
 * Never: drops, delays or rewrites a packet. Every path of a tc program returns TC_ACT_UNSPEC.
 */
#include "drop.h"
#include "flush_connections.h"
#include "flush_drops.h"
#ifdef BEFORE_6_2
#include "flush_tc.h"
#endif
#include "pod_device.h"
#include "pod_end.h"
#include "track.h"
#include "weir.h"

#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int weir_from_pod(struct __sk_buff *skb)
{
	note_arrival(skb);
	return track(skb, HOOK_POD, DIR_A_TO_B, SEEN_FROM_POD, FRAMED);
}

SEC("tc")
int weir_to_pod(struct __sk_buff *skb)
{
	take_arrival(skb);
	return track(skb, HOOK_POD, DIR_B_TO_A, SEEN_TO_POD, FRAMED);
}

/* At the pod's side: what skipped the host's side. */
SEC("tc")
int weir_pod_end(struct __sk_buff *skb)
{
	__u32 ifindex = take_arrival(skb) ? counted_interface(skb) : 0;

	return ifindex ? track_at(skb, ifindex, HOOK_POD, DIR_B_TO_A, SEEN_TO_POD, FRAMED)
		       : TC_ACT_UNSPEC;
}

/* At an interface of a pod that is in no pair. */
SEC("tc")
int weir_device_out(struct __sk_buff *skb)
{
	__u32 number = counted_interface(skb);

	return number ? track_at(skb, number, HOOK_POD, DIR_A_TO_B, SEEN_FROM_POD, FRAMED)
		      : TC_ACT_UNSPEC;
}

SEC("tc")
int weir_device_in(struct __sk_buff *skb)
{
	__u32 number = counted_interface(skb);

	return number ? track_at(skb, number, HOOK_POD, DIR_B_TO_A, SEEN_TO_POD, FRAMED)
		      : TC_ACT_UNSPEC;
}

/* At the parent of ipvlan L3S devices. */
SEC("tc")
int weir_l3s_in(struct __sk_buff *skb)
{
	__u32 number = skb->pkt_type == PACKET_HOST ? l3s_interface(skb) : 0;

	return number ? track_at(skb, number, HOOK_POD, DIR_B_TO_A, SEEN_TO_POD, FRAMED)
		      : TC_ACT_UNSPEC;
}

/* At other interfaces of the node, from which packets may skip the host's side. */
SEC("tc")
int weir_arrival(struct __sk_buff *skb)
{
	note_arrival(skb);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int weir_uplink_out(struct __sk_buff *skb)
{
	return track(skb, HOOK_UPLINK, DIR_A_TO_B, SEEN_UPLINK_OUT, FRAMED);
}

SEC("tc")
int weir_uplink_in(struct __sk_buff *skb)
{
	note_arrival(skb);
	return track(skb, HOOK_UPLINK, DIR_B_TO_A, SEEN_UPLINK_IN, FRAMED);
}

SEC("tc")
int weir_l3_out(struct __sk_buff *skb)
{
	return track(skb, HOOK_UPLINK, DIR_A_TO_B, SEEN_UPLINK_OUT, BARE);
}

SEC("tc")
int weir_l3_in(struct __sk_buff *skb)
{
	note_arrival(skb);
	return track(skb, HOOK_UPLINK, DIR_B_TO_A, SEEN_UPLINK_IN, BARE);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
