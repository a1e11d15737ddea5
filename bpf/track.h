/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * track.h - one packet into its connection: count it, follow the state, tell what is worth telling.
 *
 * Out:   `connections`, `spill`, and a record on the ring for the first packet, a TCP control
 *        flag not seen before, the first reply, the handshake's end and the close.
 * Never: reads a clock for a data packet of an established TCP connection.
 */
#pragma once

#define TCP_CONTROL (TCP_SYN | TCP_FIN | TCP_RST)
#define FLAGS_HIGH_WATER 0x8000800080008000ULL
#define NO_MESSAGE 0xff /* spill detail of an ICMP fragment without header */

/* Packet bytes that a record carries. */
const volatile __u32 capture_bytes = 128;

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} events SEC(".maps");

/* Too large for the stack; tc runs with softirqs off, so a CPU has one user at a time. */
struct track_scratch {
	struct connection fresh;
	struct trace_record record;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct track_scratch);
} track_scratch SEC(".maps");

static __always_inline struct track_scratch *scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&track_scratch, &zero);
}

static __always_inline void report(struct __sk_buff *skb, const struct flow_key *key,
				   struct connection *c, __u8 direction)
{
	struct track_scratch *s = scratch();
	__u64 cap = skb->len < capture_bytes ? skb->len : capture_bytes;

	if (!s)
		return;
	__builtin_memset(&s->record, 0, sizeof(s->record));
	describe(&s->record, key, c, direction);
	s->record.hdr.hash = skb->hash;
	s->record.hdr.len_orig = skb->len;
	s->record.hdr.len_cap = cap;
	/* the packet is worth showing also while its counts wait */
	if (!c->defer_until_ns || !is_deferred(c, key, bpf_ktime_get_ns()))
		take(c, &s->record.ext);
	if (!bpf_perf_event_output(skb, &events, cap << 32 | BPF_F_CURRENT_CPU, &s->record,
				   sizeof(s->record)))
		return;
	put_back(c, &s->record.ext);
	count(RING_FULL, 0);
}

/* Two CPUs may see the last packets: one of them closes. An exchange and no comparison: whatever
 * state another CPU moves it to meanwhile, it ends closed. */
static __always_inline void close(struct connection *c, __u32 how, __u64 now)
{
	if (__sync_lock_test_and_set(&c->state, STATE_CLOSED) == STATE_CLOSED)
		return;
	add_event(c, how);
	end(c, now);
}

/* A SYN on a closed entry: the same addresses and ports, another connection. What is owed is the
 * old one's, but for the SYN's own `bytes`. */
static __always_inline void reopen(struct connection *c, __u8 direction, __u32 bytes, __u64 now)
{
	if (__sync_val_compare_and_swap(&c->state, STATE_CLOSED, STATE_NEW) != STATE_CLOSED)
		return;
	c->reported_bytes = bytes - unreported_bytes(c);
	c->first_ns = now;
	c->initiator = direction;
	c->complete = 1;
	c->seen[0] = c->seen[1] = 0;
	add_event(c, EVENT_OPENED);
}

static __always_inline __u64 flag_lanes(__u8 flags)
{
	__u64 lanes = 0;

	if (flags & TCP_SYN)
		lanes += LANE(flags & TCP_ACK ? FLAG_SYN_ACK : FLAG_SYN);
	if (flags & TCP_FIN)
		lanes += LANE(FLAG_FIN);
	if (flags & TCP_RST)
		lanes += LANE(FLAG_RST);
	return lanes;
}

/* RFC 9293 figure 5, as far as a bystander sees it. */
static __always_inline void follow_tcp(struct connection *c, __u8 flags, __u8 direction, __u64 now)
{
	__u8 both = c->seen[0] & c->seen[1];

	if (flags & TCP_RST) {
		close(c, both & TCP_FIN ? EVENT_FIN : EVENT_RESET, now);
	} else if (c->state == STATE_NEW && (flags & TCP_SYN) && (flags & TCP_ACK) &&
		   direction != c->initiator) {
		__sync_val_compare_and_swap(&c->state, STATE_NEW, STATE_SYN_ACK);
	} else if (c->state == STATE_SYN_ACK && (flags & TCP_ACK) && direction == c->initiator) {
		if (__sync_val_compare_and_swap(&c->state, STATE_SYN_ACK, STATE_ESTABLISHED) ==
			STATE_SYN_ACK &&
		    c->complete)
			observation_lost(
			    __sync_lock_test_and_set(&c->handshake_ns, now - c->first_ns));
	}
	if (flags & TCP_FIN) {
		__u32 state = c->state;

		/* by comparison: a reset on another CPU must stay closed */
		if (state < STATE_CLOSING)
			__sync_val_compare_and_swap(&c->state, state, STATE_CLOSING);
		c->last_fin = direction;
	} else if (c->state == STATE_CLOSING && both & TCP_FIN && flags & TCP_ACK &&
		   direction != c->last_fin) {
		close(c, EVENT_FIN, now); /* the last FIN is acknowledged */
	}
}

/* State and flags of a packet that is not plain data; whether it is worth a record. */
static __always_inline int follow(struct connection *c, const struct packet *p, __u8 direction,
				  __u32 bytes)
{
	__u64 now = bpf_ktime_get_ns();
	__u8 control = p->tcp_flags & TCP_CONTROL;
	__u8 fresh = control & ~c->seen[direction];
	__u32 before = c->state;

	c->last_ns = now;
	if (p->proto != IPPROTO_TCP) {
		if (before != STATE_NEW || direction == c->initiator)
			return 0;
		return __sync_val_compare_and_swap(&c->state, STATE_NEW, STATE_ESTABLISHED) ==
		       STATE_NEW;
	}
	if (control) {
		__u64 lanes = flag_lanes(control | (p->tcp_flags & TCP_ACK));

		if (__sync_fetch_and_add(&c->tcp_flags[direction], lanes) & FLAGS_HIGH_WATER)
			overflow_flags(c, direction);
	}
	/* a SYN beside two FINs: the last ACK was not seen, and the ports are used again */
	if (before == STATE_CLOSING && control == TCP_SYN && !(p->tcp_flags & TCP_ACK) &&
	    c->seen[0] & c->seen[1] & TCP_FIN)
		close(c, EVENT_FIN, now);
	if (c->state == STATE_CLOSED) {
		if (!(control & TCP_SYN) || p->tcp_flags & TCP_ACK)
			return 0;
		reopen(c, direction, bytes, now);
	}
	c->seen[direction] |= p->tcp_flags;
	follow_tcp(c, p->tcp_flags, direction, now);
	return fresh || (c->state != before && c->state != STATE_SYN_ACK);
}

/* State, opener and events of an entry's first packet; follow() then does the rest. */
static __always_inline void begin(struct connection *c, const struct packet *p, __u8 direction)
{
	c->initiator = direction;
	if (p->related) {
		c->state = STATE_RELATED;
		return;
	}
	if (p->echo_reply)
		c->initiator = !direction;
	if (p->proto != IPPROTO_TCP || (p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) {
		c->state = STATE_NEW;
		c->complete = 1;
		c->events = LANE(EVENT_OPENED);
	} else if (p->tcp_flags & TCP_RST) {
		c->state = STATE_CLOSED; /* a stray: no connection */
	} else {
		/* Open before we looked. A SYN-ACK is its server's; else the lower port is. */
		__u32 served = p->tcp_flags & TCP_SYN || p->src_port < p->dst_port;

		c->state = p->tcp_flags & TCP_SYN ? STATE_SYN_ACK : STATE_ESTABLISHED;
		c->initiator = served ? !direction : direction;
		c->events = LANE(EVENT_ADOPTED);
	}
}

static __noinline struct connection *open(const struct flow_key *key, const struct packet *p,
					  __u32 hook_direction)
{
	struct track_scratch *s = scratch();

	if (!s || !key || !p)
		return NULL;
	__builtin_memset(&s->fresh, 0, sizeof(s->fresh));
	s->fresh.first_ns = s->fresh.last_ns = bpf_ktime_get_ns();
	s->fresh.hook = hook_direction >> 1;
	begin(&s->fresh, p, hook_direction & 1);
	look_up(&s->fresh.a, key->a);
	look_up(&s->fresh.b, key->b);
	if (s->fresh.a.unresolved | s->fresh.b.unresolved)
		s->fresh.defer_until_ns = s->fresh.first_ns + entity_wait_ns;
	/* -EEXIST: another CPU was first, and its entry is as good */
	bpf_map_update_elem(&connections, key, &s->fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&connections, key);
}

static __always_inline __u8 overflow_detail(const struct packet *p)
{
	if (p->proto == IPPROTO_TCP) {
		__u8 detail = 0;

		if (p->tcp_flags & TCP_SYN)
			detail |= 1 << (p->tcp_flags & TCP_ACK ? FLAG_SYN_ACK : FLAG_SYN);
		if (p->tcp_flags & TCP_FIN)
			detail |= 1 << FLAG_FIN;
		if (p->tcp_flags & TCP_RST)
			detail |= 1 << FLAG_RST;
		return detail;
	}
	return p->src_port == PORT_FRAGMENT ? NO_MESSAGE : p->icmp_type;
}

/* No place in the table: the packet is exact all the same, by entity instead of by connection. */
static __noinline int overflow_packet(const struct flow_key *key, const struct packet *p,
				   __u32 hook_direction, __u32 bytes)
{
	struct connection c = {};
	struct overflow_key name;

	if (!key || !p)
		return 0;
	look_up(&c.a, key->a);
	look_up(&c.b, key->b);
	c.hook = hook_direction >> 1;
	name = overflow_key_of(&c, p->proto, hook_direction & 1);
	name.size = size_class(bytes);
	name.detail = overflow_detail(p);
	return overflow_add(&name, 1, bytes);
}

/* An entry that the sweep doubts lives on when a packet comes first. */
static __always_inline int alive(struct connection *c)
{
	return c->life == LIFE_ALIVE ||
	       __sync_val_compare_and_swap(&c->life, LIFE_EXPIRING, LIFE_ALIVE) != LIFE_GONE;
}

static __always_inline void sides(struct flow_key *key, const struct packet *p, __u8 direction)
{
	const __u32 *a = direction == DIR_A_TO_B ? p->src : p->dst;
	const __u32 *b = direction == DIR_A_TO_B ? p->dst : p->src;

	__builtin_memcpy(key->a, a, sizeof(key->a));
	__builtin_memcpy(key->b, b, sizeof(key->b));
	key->a_port = direction == DIR_A_TO_B ? p->src_port : p->dst_port;
	key->b_port = direction == DIR_A_TO_B ? p->dst_port : p->src_port;
	key->proto = p->proto;
}

/* HOT: what one packet costs; guarded by `npm run bench packet`. */
static __always_inline int track(struct __sk_buff *skb, __u8 hook, __u8 direction, __u32 seen)
{
	struct packet p = {};
	struct flow_key key = {.ifindex = skb->ifindex};
	struct connection *c;
	__u32 bytes = skb->len, size, ignored, opened = 0;
	__u64 before;

	count(seen, bytes);
	ignored = parse(skb, &p);
	if (ignored) {
		count(ignored, bytes);
		return TC_ACT_UNSPEC;
	}
	sides(&key, &p, direction);
	c = bpf_map_lookup_elem(&connections, &key);
	if (!c) {
		c = open(&key, &p, hook << 1 | direction);
		opened = 1;
	}
	/* the ports again, and the address is another's by now: a connection of its own */
	if (c && p.tcp_flags & TCP_SYN && p.proto == IPPROTO_TCP && !(p.tcp_flags & TCP_ACK) &&
	    c->state == STATE_CLOSED && is_renamed(c, &key))
		evict(c, bpf_ktime_get_ns());
	if (!c || !alive(c)) {
		overflow_packet(&key, &p, hook << 1 | direction, bytes);
		/* last: who reads that it rose finds the packet in spill */
		count(c ? OVERFLOWS : CONNECTIONS_FULL, bytes);
		return TC_ACT_UNSPEC;
	}
	size = size_class(bytes);
	before = __sync_fetch_and_add(&c->packed[direction][size & 7], PACKED_PACKET + bytes);
	if (before & PACKED_HIGH_WATER)
		overflow_counter(c, p.proto, direction, size & 7,
			    p.proto == IPPROTO_TCP ? 0 : overflow_detail(&p));
	if (p.proto == IPPROTO_TCP && c->state == STATE_ESTABLISHED &&
	    !(p.tcp_flags & TCP_CONTROL) && !opened)
		return TC_ACT_UNSPEC;
	if (follow(c, &p, direction, bytes) | opened)
		report(skb, &key, c, direction);
	return TC_ACT_UNSPEC;
}
