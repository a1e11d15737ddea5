/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * delivered.h - frees that are no drop, although the kernel reports them as one.
 *
 * In:    the freed packet and the reason; the reasons' numbers, which user space finds in the
 *        kernel's BTF.
 * Out:   whether a socket had received the packet.
 */
#pragma once

#include "kernel.h"
#include "packet.h"
#include "skb.h"

#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/tcp.h>
#include <linux/types.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Numbers of enum skb_drop_reason. NO_REASON: this kernel lacks the reason. */
#define NO_REASON 0xffffffffU
const volatile __u32 not_dropped_yet = NO_REASON;
const volatile __u32 skb_consumed = NO_REASON;
const volatile __u32 not_specified = NO_REASON;
const volatile __u32 no_socket = NO_REASON;
const volatile __u32 queue_purge = NO_REASON;
const volatile __u32 tcp_close = NO_REASON;

/* 0: the tracepoint has no reason (before 5.17), so every free is NOT_SPECIFIED. */
const volatile __u32 drop_reasons = 1;

static __always_inline int is_no_drop(__u32 reason)
{
	return reason == skb_consumed || reason == not_dropped_yet;
}

/* Whether a socket has this packet in its receive queue. The socket owns it (skb_set_owner_r() in
 * include/net/sock.h), though it came from an interface; UDP overwrites the device instead
 * (udp_set_dev_scratch() in net/ipv4/udp.c), by a number that is no kernel address. */
static __always_inline int was_queued(const struct sk_buff *skb)
{
	long device = (long)skb->dev;

	return device > 0 || (skb->sk && skb->skb_iif);
}

/* Whether TCP took a packet without data for a socket that is closing. The kernel gives no reason
 * when the peer's FIN or RST finds the socket in FIN_WAIT_2 or TIME_WAIT without a process
 * (do_time_wait in net/ipv4/tcp_ipv4.c), and TCP_CLOSE when the socket closes meanwhile. TCP has
 * found the socket once the header's sequence number is in its control block (tcp_v4_fill_cb()).
 * Without a reason, an ACK counts as a drop: the queue of accept() may be full. */
static __always_inline int was_closing(const struct sk_buff *skb, const struct packet *p,
				       __u32 reason)
{
	const struct tcp_skb_cb *cb = (const void *)skb->cb;
	__u32 seq = BPF_CORE_READ(cb, seq);
	struct tcphdr tcp;

	if (p->proto != IPPROTO_TCP || bpf_probe_read_kernel(&tcp, sizeof(tcp), skb->data))
		return 0;
	return (tcp.fin || tcp.rst || reason == tcp_close) && !tcp.syn &&
	       seq == bpf_ntohl(tcp.seq) && BPF_CORE_READ(cb, end_seq) - seq == tcp.fin;
}

/* QUEUE_PURGE: what a closing socket had received and not read, the last FIN of most connections
 * included. A kernel without it (before 6.6) gives no reason. An echo reply: the raw socket of ping
 * has read its own copy. The kernel gives no reason there, too, before it has NOT_DROPPED_YET. */
static __always_inline int was_delivered(const struct sk_buff *skb, const struct packet *p,
					 __u32 reason)
{
	if ((reason == not_specified || reason == tcp_close) && was_closing(skb, p, reason))
		return 1;
	if (reason == not_specified)
		return (queue_purge == NO_REASON && was_queued(skb)) ||
		       (not_dropped_yet == NO_REASON && p->echo_reply);
	return reason == queue_purge || (reason == no_socket && p->echo_reply);
}
