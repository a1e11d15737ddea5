/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * state.h - the state of a connection, from its packets.
 *
 * In:    packets of both directions, perhaps on several CPUs at once, perhaps not from the start.
 * Out:   state, initiator, events, handshake and duration in struct connection.
 */
#pragma once

#include "connection.h"
#include "overflow.h"
#include "packet.h"
#include "weir.h"

#include <linux/in.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#define FLAGS_HIGH_WATER 0x8000800080008000ULL

/* Two CPUs may see the last packets; one of them closes the connection. An exchange, not a
 * compare-and-swap: the state is closed afterwards whatever another CPU sets it to meanwhile. */
static __always_inline void close_connection(struct connection *c, __u32 event, __u64 now)
{
	if (__sync_lock_test_and_set(&c->state, STATE_CLOSED) == STATE_CLOSED)
		return;
	add_event(c, event);
	set_duration(c, now);
}

/* A SYN on a closed entry opens a new connection with the same addresses and ports. Unreported
 * bytes belong to the old one, except the `bytes` of the SYN itself. */
static __always_inline void reopen_connection(struct connection *c, __u8 direction, __u32 bytes,
					      __u64 now)
{
	if (__sync_val_compare_and_swap(&c->state, STATE_CLOSED, STATE_NEW) != STATE_CLOSED)
		return;
	c->reported_bytes = bytes - unreported_bytes(c);
	c->first_ns = now;
	c->initiator = direction;
	c->opening_seen = 1;
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

/* RFC 9293 figure 5, as far as an observer between the two sides sees it. */
static __always_inline void update_tcp_state(struct connection *c, __u8 flags, __u8 direction,
					     __u64 now)
{
	__u8 both = c->seen[0] & c->seen[1];

	if (flags & TCP_RST) {
		close_connection(c, both & TCP_FIN ? EVENT_FIN : EVENT_RESET, now);
	} else if (c->state == STATE_NEW && (flags & TCP_SYN) && (flags & TCP_ACK) &&
		   direction != c->initiator) {
		__sync_val_compare_and_swap(&c->state, STATE_NEW, STATE_SYN_ACK);
	} else if (c->state == STATE_SYN_ACK && (flags & TCP_ACK) && direction == c->initiator) {
		if (__sync_val_compare_and_swap(&c->state, STATE_SYN_ACK, STATE_ESTABLISHED) ==
			STATE_SYN_ACK &&
		    c->opening_seen)
			count_overwritten(
			    __sync_lock_test_and_set(&c->handshake_ns, now - c->first_ns));
	}
	if (flags & TCP_FIN) {
		__u32 state = c->state;

		/* compare-and-swap: a connection reset on another CPU stays closed */
		if (state < STATE_CLOSING)
			__sync_val_compare_and_swap(&c->state, state, STATE_CLOSING);
		c->last_fin = direction;
	} else if (c->state == STATE_CLOSING && both & TCP_FIN && flags & TCP_ACK &&
		   direction != c->last_fin) {
		close_connection(c, EVENT_FIN, now); /* ACK of the last FIN */
	}
}

/* Whether a packet is the first that proves the other direction: it acknowledges, or sends data, and
 * no acknowledgement of the other side was seen. User space decides what it means. */
static __always_inline int shows_bypass(const struct connection *c, __u8 flags, __u8 direction)
{
	return flags & ~c->seen[direction] & (TCP_ACK | TCP_PSH) &&
	       !(c->seen[!direction] & TCP_ACK);
}

/* For a packet that is not plain data of an established TCP connection. Returns whether to report
 * it at once. */
static __always_inline int update_state(struct connection *c, const struct packet *p,
					__u8 direction, __u32 bytes)
{
	__u64 now = bpf_ktime_get_ns();
	__u8 control = p->tcp_flags & TCP_CONTROL;
	__u8 new_flags = control & ~c->seen[direction];
	__u32 before = c->state, bypassed;

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
	/* a SYN after both FINs: the last ACK was not seen, and the ports are in use again */
	if (before == STATE_CLOSING && control == TCP_SYN && !(p->tcp_flags & TCP_ACK) &&
	    c->seen[0] & c->seen[1] & TCP_FIN)
		close_connection(c, EVENT_FIN, now);
	if (c->state == STATE_CLOSED) {
		if (!(control & TCP_SYN) || p->tcp_flags & TCP_ACK)
			return 0;
		reopen_connection(c, direction, bytes, now);
	}
	bypassed = shows_bypass(c, p->tcp_flags, direction);
	c->seen[direction] |= p->tcp_flags;
	update_tcp_state(c, p->tcp_flags, direction, now);
	return new_flags || bypassed || (c->state != before && c->state != STATE_SYN_ACK);
}

/* State, initiator and events from the first packet of an entry; update_state() does the rest. */
static __always_inline void init_state(struct connection *c, const struct packet *p, __u8 direction)
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
		c->opening_seen = 1;
		c->events = LANE(EVENT_OPENED);
	} else if (p->tcp_flags & TCP_RST) {
		c->state = STATE_CLOSED; /* a stray RST: no connection */
	} else {
		/* Established before Weir started. The server sends a SYN-ACK; otherwise it is the
		 * side with the lower port. */
		__u32 from_server = p->tcp_flags & TCP_SYN || p->src_port < p->dst_port;

		c->state = p->tcp_flags & TCP_SYN ? STATE_SYN_ACK : STATE_ESTABLISHED;
		c->initiator = from_server ? !direction : direction;
		c->events = LANE(EVENT_ADOPTED);
	}
}
