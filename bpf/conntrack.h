/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * conntrack.h - the kernel's conntrack entry of a packet that the node sends out of an interface.
 *
 * In:    a tc egress context. A packet on ingress has no entry yet.
 * Out:   both tuples of the entry: `original` as the client sent it, `reply` as the server answers.
 *        So original.src is the client before source NAT, original.dst what it asked for, and
 *        reply.src the server after destination NAT.
 * Never: reads an entry without conntrack_tuples, the offset of struct nf_conn's tuplehash, which
 *        user space finds in the kernel's or the module's BTF: libbpf may read a module's BTF
 *        only with CAP_SYS_ADMIN. The module may be loaded while the programs run.
 *
 * Kernels before 6.2 have no bpf_cast_to_kern_ctx: for them the object is built with
 * BEFORE_6_2, and user space alone asks conntrack.
 */
#pragma once

#include "kernel.h"

#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* struct nf_conntrack_tuple: the same since 2.6.21. */
struct conntrack_tuple {
	__u32 src[4]; /* IPv4: the first word only */
	__be16 src_port;
	__u16 family;
	__u32 dst[4];
	__be16 dst_port;
	__u8 proto;
	__u8 direction;
};

/* struct nf_conntrack_tuple_hash */
struct conntrack_tuple_hash {
	__u64 node[2];
	struct conntrack_tuple tuple;
};

struct conntrack_tuples {
	struct conntrack_tuple_hash original;
	struct conntrack_tuple_hash reply;
};

_Static_assert(sizeof(struct conntrack_tuple_hash) == 56, "as struct nf_conntrack_tuple_hash");

/* enum ip_conntrack_info: the packet's direction. Others are errors about the connection. */
#define CONNTRACK_ESTABLISHED 0
#define CONNTRACK_NEW 2
#define CONNTRACK_REPLY 3

/* What read_conntrack() found. */
#define ENTRY_READ 1
#define ENTRY_MISSING 0	   /* this packet has none; conntrack may still know the connection */
#define ENTRY_IRRELEVANT 2 /* untracked by a rule, or an error about another connection */

#define CONNTRACK_IPV4 2
#define CONNTRACK_IPV6 10

#ifdef BEFORE_6_2
static __always_inline int can_read_conntrack(void)
{
	return 0;
}

static __always_inline int read_conntrack(struct __sk_buff *ctx, struct conntrack_tuples *to,
					  __u32 *is_reply)
{
	return ENTRY_MISSING;
}
#else
/* 0: not known. A section of its own is a table of its own. */
volatile __u32 conntrack_tuples SEC(".data.conntrack") = 0;

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym;

static __always_inline int can_read_conntrack(void)
{
	return conntrack_tuples != 0;
}

/* Returns ENTRY_*. */
static __always_inline int read_conntrack(struct __sk_buff *ctx, struct conntrack_tuples *to,
					  __u32 *is_reply)
{
	struct sk_buff *skb;
	__u64 nfct;

	skb = bpf_cast_to_kern_ctx(ctx);
	if (!can_read_conntrack() || !bpf_core_field_exists(skb->_nfct))
		return ENTRY_MISSING;
	nfct = skb->_nfct;
	*is_reply = (nfct & 7) == CONNTRACK_REPLY;
	if (!*is_reply && (nfct & 7) != CONNTRACK_ESTABLISHED && (nfct & 7) != CONNTRACK_NEW)
		return ENTRY_IRRELEVANT;
	nfct &= ~7ULL;
	if (!nfct || bpf_probe_read_kernel(to, sizeof(*to), (void *)(nfct + conntrack_tuples)))
		return ENTRY_MISSING;
	return ENTRY_READ;
}
#endif
