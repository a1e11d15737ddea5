/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * kernel.h - the few kernel types that the tracing programs read.
 *
 * Only the fields in use. preserve_access_index makes libbpf relocate each to its offset in the
 * running kernel's BTF, so the object is not bound to the kernel it was built on.
 */
#pragma once

#include <linux/types.h>

struct list_head {
	struct list_head *next;
} __attribute__((preserve_access_index));

struct ns_common {
	unsigned int inum; /* inode number of /proc/PID/ns/net */
} __attribute__((preserve_access_index));

struct net {
	struct ns_common ns;
	struct list_head dev_base_head; /* of net_device.dev_list */
} __attribute__((preserve_access_index));

typedef struct {
	struct net *net;
} __attribute__((preserve_access_index)) possible_net_t;

struct rtnl_link_ops {
	const char *kind;
} __attribute__((preserve_access_index));

struct net_device {
	int ifindex;
	struct list_head dev_list;
	possible_net_t nd_net;
	const struct rtnl_link_ops *rtnl_link_ops;
} __attribute__((preserve_access_index));

struct sock_common {
	possible_net_t skc_net;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
} __attribute__((preserve_access_index));

struct sk_buff {
	char cb[48]; /* of the layer that has the packet */
	unsigned int len;
	__u32 hash;
	__be16 protocol;
	__u16 network_header;
	__u16 mac_header;
	__u32 tail; /* sk_buff_data_t: an offset on 64-bit kernels */
	unsigned char *head;
	unsigned char *data;
	struct net_device *dev;
	struct sock *sk;
	int skb_iif;	     /* the interface that received it; 0: generated here */
	unsigned long _nfct; /* struct nf_conn *, and enum ip_conntrack_info in the low bits */
} __attribute__((preserve_access_index));

/* What TCP has in sk_buff.cb. */
struct tcp_skb_cb {
	__u32 seq;
	__u32 end_seq;
} __attribute__((preserve_access_index));

struct task_struct {
	void *stack;
} __attribute__((preserve_access_index));
