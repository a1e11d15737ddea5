/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * weir.h - the wire format between the datapath and user space.
 *
 * In:    nothing.
 * Out:   every struct that crosses: records (perf ring and sweeps) and map keys and values.
 * Never: holds behaviour. src/datapath/record/abi.ts is its copy in TypeScript; test/datapath/record/abi.test.ts
 *        compares the two through the object's BTF, where each is the value of some map.
 *
 * A record is Cilium's header, then Weir's extension, then `len_cap` bytes of packet.
 * TraceNotify version 2 and DropNotify version 3 are Cilium's own layouts (cilium/cilium
 * bpf/lib/trace.h, bpf/lib/drop.h); WEIR_EXT in ext_version, the byte those headers reserve
 * for downstream use, says that an extension follows. Integers are in host order, addresses
 * in network order with IPv4 mapped into IPv6 (::ffff:a.b.c.d).
 */
#pragma once

#define WEIR_EXT 1

#define NOTIFY_DROP 1
#define NOTIFY_TRACE 4
#define TRACE_VERSION 2
#define DROP_VERSION 3

/* Cilium's observation points (bpf/lib/notify.h), the four that Weir's hooks stand at. */
#define POINT_TO_ENDPOINT 0
#define POINT_TO_STACK 3
#define POINT_FROM_NETWORK 10
#define POINT_TO_NETWORK 11

/* Cilium's trace reasons (bpf/lib/trace.h). */
#define REASON_NEW 0
#define REASON_ESTABLISHED 1
#define REASON_REPLY 2
#define REASON_RELATED 3

/* Cilium's classification flags (bpf/lib/classifiers.h). */
#define CLASS_IPV6 0x01
#define CLASS_L3_DEVICE 0x02

/* The two directions of a connection, seen from the interface's own side `a`:
 * the pod behind a veth, or the node behind an uplink. */
#define DIR_A_TO_B 0
#define DIR_B_TO_A 1

#define HOOK_POD 0
#define HOOK_UPLINK 1

/*
 * A tally is packets << 40 | bytes, so that one atomic add counts both and they can never
 * disagree. Bits 39 and 62 are the brim: past either, the tally moves to the spill table.
 */
#define PACKED_PACKET (1ULL << 40)
#define PACKED_BYTES (PACKED_PACKET - 1)
#define PACKED_HIGH_WATER (1ULL << 62 | 1ULL << 39)

/* Upper bounds of the packet size classes, in bytes; the eighth has none. */
#define SIZE_CLASSES 8
#define SIZE_0 64
#define SIZE_1 128
#define SIZE_2 256
#define SIZE_3 512
#define SIZE_4 1024
#define SIZE_5 1518
#define SIZE_6 9018

/* Lanes of the packed 4 x u16 counters: TCP control flags, and a connection's events. */
#define LANE(n) (1ULL << (16 * (n)))
#define FLAG_SYN 0
#define FLAG_SYN_ACK 1
#define FLAG_FIN 2
#define FLAG_RST 3
#define EVENT_OPENED 0
#define EVENT_ADOPTED 1 /* was open before Weir saw it */
#define EVENT_FIN 2
#define EVENT_RESET 3

/* A connection's state. */
#define STATE_NEW 0
#define STATE_SYN_ACK 1
#define STATE_ESTABLISHED 2
#define STATE_CLOSING 3
#define STATE_CLOSED 4
#define STATE_RELATED 5 /* ICMP errors and fragments without ports: counted, no connection */

struct trace_notify {
	__u8 type;
	__u8 subtype; /* observation point */
	__u16 source; /* endpoint id of the local pod, 0 if none */
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

/* What a connection owes since it was last told, and who it is. */
struct weir_trace {
	__u64 packed[2][SIZE_CLASSES]; /* by direction and packet size */
	__u64 tcp_flags[2];	      /* lanes FLAG_*, by direction */
	__u64 events;		      /* lanes EVENT_* */
	__u64 handshake_ns;	      /* 0: none to tell */
	__u64 duration_ns;	      /* 0: none to tell; else the connection ended */
	__u64 closed_bytes;	      /* with duration_ns: bytes of both directions */
	__u8 a[16];
	__u8 b[16];
	__u32 a_entity;
	__u32 b_entity;
	__u16 a_port; /* host order; ICMP: see flow_key */
	__u16 b_port;
	__u8 proto;
	__u8 hook;	/* HOOK_* */
	__u8 initiator;	/* DIR_* of the side that opened */
	__u8 direction; /* DIR_* of the captured packet; of the opener when there is none */
	__u8 state;
	__u8 timed_out; /* of what was a connection: 1 expired by idleness, 2 its names ended */
	__u8 seen[2];	/* OR of the TCP flags by direction */
	__u8 pad[4];
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

/* What one kind of drop owes; addresses and source port are those of the packet in the record, and
 * where there is none, of the one that was told last. */
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
	__u8 pad[7];
};

struct drop_record {
	struct drop_notify hdr;
	struct weir_drop ext;
};

/* Key of hosts. */
struct address {
	__u8 addr[16];
};

/* identities: who an address is that hosts does not have. entity is user space's row number,
 * private to a run. */
struct prefix_key {
	__u32 bits; /* of the mapped address: an IPv4 /n is 96 + n */
	__u8 addr[16];
};

struct ip_info {
	__u32 identity; /* Cilium's numbering */
	__u32 entity;
	__u16 endpoint_id; /* endpoint id of a local pod, else 0 */
	__u16 unresolved;	/* 1: a name may come for this address; until then the rest is a guess */
};

/*
 * connections. ICMP echo uses the identifier as the asker's port and type << 8 | code of the
 * request as the other's, so that request and reply are two directions of one connection and
 * the direction gives the type; other ICMP has 0 and type << 8 | code on the receiver's side.
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

/* spill: per-CPU, what has no place in connections; only ever grows, user space takes differences.
 */
struct overflow_key {
	__u32 src_entity;
	__u32 dst_entity;
	__u8 proto;
	__u8 hook;
	__u8 direction;
	__u8 size;   /* packet size class */
	__u8 detail; /* TCP: 1 << FLAG_* bits; ICMP: type */
	__u8 pad[3];
};

struct count {
	__u64 packets;
	__u64 bytes;
};

/* What a sweep program is run with, in and out. A pass is one run, or several when what is owed
 * does not fit the buffer: each goes over the table again and leaves out what the pass has told. */
struct pass {
	__u32 number;  /* in: of the pass, another than the last one's, 1 to 65,535 */
	__u32 full;    /* out: 1: run again with this number */
	__u32 entries; /* out: left in the table, unless full */
	__u32 stale; /* in: 1 when there are retired rows; out: entries that bear one, unless full */
	__u32 deferred; /* out: entries whose counts wait for names, unless full */
};

/* counters: per-CPU struct count by this index; only ever grow. */
enum counter {
	SEEN_FROM_POD,
	SEEN_TO_POD,
	SEEN_UPLINK_OUT,
	SEEN_UPLINK_IN,
	IGNORED_ARP,
	IGNORED_TOO_SHORT, /* no whole Ethernet or IP header */
	IGNORED_MALFORMED, /* an IP header that contradicts itself */
	IGNORED_OTHER,	   /* another ethertype */
	RING_FULL,	   /* records that did not fit; their counts went back */
	CONNECTIONS_FULL,  /* packets spilled because no connection could be added */
	OVERFLOWS,	   /* times that counts spilled: at the brim, or beside an entry going */
	UNNAMED_FROM_POD,  /* packets that not even spill could hold, in the order of SEEN_* */
	UNNAMED_TO_POD,
	UNNAMED_UPLINK_OUT,
	UNNAMED_UPLINK_IN,
	OBSERVATIONS_LOST, /* handshake or duration overwritten before it was told */
	FRAGMENT_UNKNOWN,  /* fragments whose first one was not seen: counted without ports */
	DROPS_SEEN,
	DROPS_IGNORED,	 /* freed with a reason, but not IP */
	DROPS_DELIVERED, /* freed behind the socket that had received it */
	DROPS_FULL,	 /* drops counted by reason only, see drops_unnamed */
	DROPS_NESTED,	 /* frees that weir_drop_again looked at in weir_drop's place */
	CONNECTIONS_RENAMED,	 /* connections let go because their names ended, or came too late */
	COUNTERS,
};

_Static_assert(sizeof(struct trace_notify) == 56, "Cilium's TraceNotify version 2");
_Static_assert(sizeof(struct drop_notify) == 48, "Cilium's DropNotify version 3");
_Static_assert(sizeof(struct weir_trace) == 232, "weir_trace is ABI");
_Static_assert(sizeof(struct weir_drop) == 72, "weir_drop is ABI");
_Static_assert(sizeof(struct flow_key) == 44, "flow_key has no holes: it is hashed");
_Static_assert(sizeof(struct overflow_key) == 16, "spill_key has no holes: it is hashed");
