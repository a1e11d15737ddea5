// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * weir.bpf.c - the datapath: stand at every pod's veth, let everything through, count exactly.
 *
 * Hook:  tc ingress and egress of pod veths and uplinks; tp_btf/kfree_skb.
 * Out:   records on the ring and by sweeps (weir.h), tables `connections`, `drops`, `spill`,
 * `counters`. Never: drops, delays or rewrites a packet; every path of a tc program returns
 * TC_ACT_UNSPEC.
 */
#include <linux/types.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#ifndef NULL
#define NULL ((void *)0)
#endif
#ifndef IPPROTO_HOPOPTS
#define IPPROTO_HOPOPTS 0
#endif

#include "weir.h"
#include "kernel.h"
#include "count.h"
#include "parse.h"
#include "connection.h"
#include "track.h"
#include "flush.h"
#include "freed.h"
#include "frees.h"
#include "drop.h"

SEC("tc")
int weir_from_pod(struct __sk_buff *skb)
{
	return track(skb, HOOK_POD, DIR_A_TO_B, SEEN_FROM_POD);
}

SEC("tc")
int weir_to_pod(struct __sk_buff *skb)
{
	return track(skb, HOOK_POD, DIR_B_TO_A, SEEN_TO_POD);
}

SEC("tc")
int weir_uplink_out(struct __sk_buff *skb)
{
	return track(skb, HOOK_UPLINK, DIR_A_TO_B, SEEN_UPLINK_OUT);
}

SEC("tc")
int weir_uplink_in(struct __sk_buff *skb)
{
	return track(skb, HOOK_UPLINK, DIR_B_TO_A, SEEN_UPLINK_IN);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
