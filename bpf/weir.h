/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * weir.h - the wire format between the datapath and user space.
 *
 * Out:   every struct that crosses the boundary: records (perf ring and flush buffer), map keys and
 *        values.
 * Never: holds behaviour. src/datapath/record/abi.ts is the TypeScript copy; abi.test.ts compares
 *        the two through the object's BTF, so each struct is the value of some map.
 *
 * A record is a Cilium header, then Weir's extension, then `len_cap` bytes of the packet.
 * TraceNotify version 2 and DropNotify version 3 are Cilium's own layouts (cilium/cilium
 * bpf/lib/trace.h, bpf/lib/drop.h). WEIR_EXT in ext_version, the byte those headers reserve for
 * downstream use, marks a record that has the extension. Integers are in host order, addresses in
 * network order with IPv4 mapped into IPv6 (::ffff:a.b.c.d).
 */
#pragma once

#include <linux/types.h>

#define WEIR_EXT 1

#define NOTIFY_DROP 1
#define NOTIFY_TRACE 4
#define TRACE_VERSION 2
#define DROP_VERSION 3

/* Cilium's observation points (bpf/lib/notify.h), the four of Weir's hooks. */
#define POINT_TO_ENDPOINT 0
#define POINT_TO_STACK 3
#define POINT_FROM_NETWORK 10
#define POINT_TO_NETWORK 11

/* Cilium's trace reasons (bpf/lib/trace.h). */
#define REASON_NEW 0
#define REASON_ESTABLISHED 1
#define REASON_REPLY 2
#define REASON_RELATED 3
#define REASON_UNKNOWN 5

/* Cilium's classification flags (bpf/lib/classifiers.h). */
#define CLASS_IPV6 0x01
#define CLASS_L3_DEVICE 0x02

/* Directions of a connection. `a` is the interface's own side: the pod behind a veth, or the node
 * behind an uplink. */
#define DIR_A_TO_B 0
#define DIR_B_TO_A 1

/* In weir_trace.initiator: nothing shows which side opened the connection. The direction is that of the
 * first packet seen. */
#define INITIATOR_UNKNOWN 0x80

#define HOOK_POD 0
#define HOOK_UPLINK 1

/*
 * A packed counter is packets << 40 | bytes: one atomic add counts both, so they never disagree.
 * Bits 39 and 62 are its high-water marks. A counter past either moves to the overflow table.
 */
#define PACKED_PACKET (1ULL << 40)
#define PACKED_BYTES (PACKED_PACKET - 1)
#define PACKED_HIGH_WATER (1ULL << 62 | 1ULL << 39)

/* Upper bounds of the packet size classes in bytes. The eighth class has none. */
#define SIZE_CLASSES 8
#define SIZE_0 64
#define SIZE_1 128
#define SIZE_2 256
#define SIZE_3 512
#define SIZE_4 1024
#define SIZE_5 1518
#define SIZE_6 9018

/* Lanes of 4 x u16 counters in one u64: TCP control flags, and a connection's events. */
#define LANE(n) (1ULL << (16 * (n)))
#define FLAG_SYN 0
#define FLAG_SYN_ACK 1
#define FLAG_FIN 2
#define FLAG_RST 3
#define EVENT_OPENED 0
#define EVENT_ADOPTED 1 /* established before Weir saw its first packet */
#define EVENT_FIN 2
#define EVENT_RESET 3

/* A connection's state. */
#define STATE_NEW 0
#define STATE_SYN_ACK 1
#define STATE_ESTABLISHED 2
#define STATE_CLOSING 3
#define STATE_CLOSED 4
#define STATE_RELATED 5 /* ICMP errors and fragments without ports: counted, but no connection */

/* In weir_trace.service: an address and port of the record differ from the packet's own, because
 * conntrack translates the connection: a Service's backend, or a client behind source NAT. */
#define TRANSLATED (1U << 31)

struct trace_notify {
	__u8 type;
	__u8 subtype; /* observation point */
	__u16 source; /* endpoint ID of the local pod, 0 if none */
	__u32 hash;
	__u32 len_orig;
	__u16 len_cap;
	__u8 version;
	__u8 ext_version;
	__u32 src_label;
	__u32 dst_label;
	__u16 dst_id;
	__u8 reason;
	__u8 flags;
	__u32 ifindex;
	__u8 orig_ip[16];
	__u64 ip_trace_id;
};

/* What a connection has counted since its last report, and its addresses. */
struct weir_trace {
	__u64 packed[2][SIZE_CLASSES]; /* packed counters by direction and size class */
	__u64 tcp_flags[2];	       /* lanes FLAG_*, by direction */
	__u64 events;		       /* lanes EVENT_* */
	__u64 handshake_ns;	       /* 0: none to report */
	__u64 duration_ns;	       /* 0: none to report; else the connection closed */
	__u64 closed_bytes;	       /* with duration_ns: bytes in both directions */
	__u8 a[16];
	__u8 b[16];
	__u32 a_entity;
	__u32 b_entity;
	__u16 a_port; /* host order; ICMP: see flow_key */
	__u16 b_port;
	__u8 proto;
	__u8 hook; /* HOOK_* */
	__u8
	    initiator; /* DIR_* of the packets of the side that opened the connection; INITIATOR_UNKNOWN */
	__u8 direction; /* DIR_* of the captured packet; without one, the initiator's */
	__u8 state;
	__u8 timed_out; /* an open connection's entry was deleted: 1 idle, 2 renamed */
	__u8 seen[2];	/* OR of the TCP flags, by direction */
	__u32 service; /* entity of the Service that the initiator addressed, 0: none; TRANSLATED */
};

struct trace_record {
	struct trace_notify hdr;
	struct weir_trace ext;
};

struct drop_notify {
	__u8 type;
	__u8 subtype; /* always 0: the kernel's reason is in the extension */
	__u16 source;
	__u32 hash;
	__u32 len_orig;
	__u16 len_cap;
	__u8 version;
	__u8 ext_version;
	__u32 src_label;
	__u32 dst_label;
	__u32 dst_id;
	__u16 line;
	__u8 file;
	__s8 ext_error;
	__u32 ifindex;
	__u8 flags;
	__u8 pad[3];
	__u64 ip_trace_id;
};

/* Unreported counts of one kind of drop. Addresses and ports are those of the packet in the record;
 * without one, those of the packet reported last. */
struct weir_drop {
	__u64 packets;
	__u64 bytes;
	__u8 src[16];
	__u8 dst[16];
	__u32 src_entity;
	__u32 dst_entity;
	__u32 reason; /* enum skb_drop_reason of the running kernel */
	__u16 src_port;
	__u16 dst_port;
	__u8 proto;
	__u8 any_port; /* 1: dst_port is that of the example; the counts may have others */
	__u8 pad[6];
};

struct drop_record {
	struct drop_notify hdr;
	struct weir_drop ext;
};

/* Key of ip_cache. */
struct address {
	__u8 addr[16];
};

/* Key of ip_prefixes, which covers the addresses that are not in ip_cache. */
struct prefix_key {
	__u32 bits; /* prefix length of the mapped address: an IPv4 /n is 96 + n */
	__u8 addr[16];
};

/* Flags of struct ip_info. */
#define INFO_UNRESOLVED 1   /* a name may still come for this address; the rest is a fallback */
#define INFO_SERVICE 2	    /* a Service's address: the backend is another */
#define INFO_TRANSLATABLE 4 /* conntrack may know another address: a Service's, or this node's */

/* Value of ip_cache and ip_prefixes: the owner of an address. */
struct ip_info {
	__u32 identity; /* security identity, numbered as Cilium does */
	__u32 entity;	/* index of user space's entity table; valid for one run of the exporter */
	__u16 endpoint_id; /* of a local pod, else 0 */
	__u16 flags;	   /* INFO_* */
};

/*
 * Key of connections. For ICMP echo the port of the requester is the identifier, and the other
 * port is type << 8 | code of the request: request and reply are then two directions of one
 * connection, and the direction gives the type. Other ICMP has port 0 for the sender and
 * type << 8 | code for the receiver.
 */
struct flow_key {
	__u8 a[16];
	__u8 b[16];
	__u16 a_port;
	__u16 b_port;
	__u32 ifindex;
	__u8 proto;
	__u8 pad[3];
};

/* Key of overflow, the per-CPU counts of packets without an entry in connections. */
struct overflow_key {
	__u32 src_entity;
	__u32 dst_entity;
	__u8 proto;
	__u8 hook;
	__u8 direction;
	__u8 size;   /* size class; SIZE_CLASSES: TCP flags only, no packets */
	__u8 detail; /* TCP: 1 << FLAG_* bits; ICMP: type */
	__u8 pad[3];
};

struct count {
	__u64 packets;
	__u64 bytes;
};

/* Value of untranslated: what conntrack knows of the peer of a connection, asked by user space. */
struct translation {
	__u8 addr[16];
	struct ip_info info; /* of addr */
	__u32 service;	     /* entity of the Service, 0: none */
	__u16 port;
	__u8 state; /* TRANSLATION_* */
	__u8 hook;
	__u8 pad[4];
};

#define TRANSLATION_ASKED 0 /* by a flush */
#define TRANSLATION_NONE 1  /* conntrack does not translate the connection, or does not know it */
#define TRANSLATION_KNOWN 2

/* Argument of a flush program. A pass is one run, or several while the buffer fills up: each run
 * walks the table again and skips the entries that this pass has already flushed. */
struct pass {
	__u32 number;  /* in: 1 to 65,535, different from the previous pass */
	__u32 full;    /* out: 1: the buffer is full: run again with this number */
	__u32 entries; /* in: entries after the last pass; out: entries left; valid unless full */
	__u32 stale; /* in: 1 if any entity is stale; out: entries that refer to one, unless full */
	__u32 deferred; /* out: entries with counts deferred until names come, unless full */
	__u32 asked;	/* out: entries of untranslated that wait for user space */
	__u32 closing;	/* in: PASS_* */
};

#define PASS_REGULAR 0
#define PASS_LAST_ASK 1	   /* connections ask for a translation at once */
#define PASS_LAST_REPORT 2 /* no count is deferred any longer */

/* Index of counters, a per-CPU array of struct count. Its values never decrease. */
enum counter {
	SEEN_FROM_POD,
	SEEN_TO_POD,
	SEEN_UPLINK_OUT,
	SEEN_UPLINK_IN,
	IGNORED_ARP,
	IGNORED_TOO_SHORT, /* no complete Ethernet or IP header */
	IGNORED_MALFORMED, /* inconsistent IP header */
	IGNORED_OTHER,	   /* another ethertype */
	RING_FULL,	   /* records that did not fit; their counts were put back */
	CONNECTIONS_FULL,  /* packets counted in overflow because no entry could be added */
	OVERFLOWS, /* counts moved to overflow: past a high-water mark, or entry being deleted */
	UNNAMED_FROM_POD, /* packets that did not fit overflow either, in the order of SEEN_* */
	UNNAMED_TO_POD,
	UNNAMED_UPLINK_OUT,
	UNNAMED_UPLINK_IN,
	OBSERVATIONS_LOST, /* handshake or duration overwritten before it was reported */
	FRAGMENT_UNKNOWN,  /* fragments without a known first one: counted without ports */
	DROPS_SEEN,
	DROPS_IGNORED,	     /* freed with a reason, but not IP */
	DROPS_DELIVERED,     /* freed after a socket had received it */
	DROPS_FULL,	     /* drops counted by reason only, in drops_unnamed */
	DROPS_NESTED,	     /* frees that weir_drop could not see and weir_drop_nested did */
	CONNECTIONS_RENAMED, /* entries evicted: an endpoint has another name, or got one late */
	SERVICE_UNRESOLVED,  /* connections reported under a Service's name: no backend was found */
	DROPS_ELSEWHERE,   /* in a network namespace that is neither the watched one nor a pod's */
	IGNORED_AT_PARENT, /* of a pod's own interface, where it counts (pod_device.h) */
	DROPS_COARSE,	   /* drops counted without their port or destination: see drop_table.h */
	COUNTERS,
};

_Static_assert(sizeof(struct trace_notify) == 56, "Cilium's TraceNotify version 2");
_Static_assert(sizeof(struct drop_notify) == 48, "Cilium's DropNotify version 3");
_Static_assert(sizeof(struct weir_trace) == 232, "weir_trace is ABI");
_Static_assert(sizeof(struct weir_drop) == 72, "weir_drop is ABI");
_Static_assert(sizeof(struct flow_key) == 44, "flow_key has no holes: it is hashed");
_Static_assert(sizeof(struct overflow_key) == 16, "overflow_key has no holes: it is hashed");
