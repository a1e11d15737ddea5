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

/* A SYN on a closed or unanswered entry opens a new connection with the same addresses and ports.
 * Unreported bytes belong to the old one, except the `bytes` of the SYN itself. */
static __always_inline void reopen_connection(struct connection *c, __u8 direction, __u32 bytes,
					      __u64 now)
{
	__u32 before = c->state;

	if ((before != STATE_CLOSED && before != STATE_UNANSWERED) ||
	    __sync_val_compare_and_swap(&c->state, before, STATE_NEW) != before)
		return;
	c->reported_bytes = bytes - unreported_bytes(c);
	c->first_ns = now;
	c->initiator = direction;
	c->initiator_unknown = 0;
	c->opening_seen = 1;
	c->half_closed = 0;
	c->syn_ns = 0;
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

/* A SYN on an open connection may be a stray one: its peer answers that with an ACK. A SYN-ACK, or a
 * RST of a peer that has no such connection, proves that the SYN opened another one, after a reboot
 * or with ports in use again. The old connection closed without a packet that says so. */
#define SYN_ANSWER_NS 10000000000ULL

static __always_inline void replace_connection(struct connection *c, __u8 flags, __u8 direction,
					       __u32 bytes, __u64 now)
{
	__u64 syn_ns = c->syn_ns;

	if (flags & TCP_SYN && !(flags & TCP_ACK)) {
		c->alone = direction;
		c->syn_bytes = bytes;
		c->syn_ns = now;
		return;
	}
	if (!syn_ns || !(flags & (TCP_SYN | TCP_RST)))
		return;
	c->syn_ns = 0;
	if (direction == c->alone || now - syn_ns > SYN_ANSWER_NS)
		return;
	close_connection(c, (c->seen[0] | c->seen[1]) & TCP_FIN ? EVENT_FIN : EVENT_RESET, syn_ns);
	reopen_connection(c, c->alone, c->syn_bytes + bytes, syn_ns);
	c->seen[c->alone & 1] = TCP_SYN;
}

/* TCP from the middle of a connection, of which one side alone has been seen so far. Returns 1 once
 * the other side answers. */
static __always_inline int is_answered(struct connection *c, __u8 flags, __u8 direction)
{
	__u32 state = STATE_ESTABLISHED;

	if (flags & TCP_RST) {
		/* a scan, or a peer that has no such connection */
		__sync_val_compare_and_swap(&c->state, STATE_UNANSWERED, STATE_CLOSED);
		return 0;
	}
	if (direction == c->alone)
		return 0;
	if (c->seen[c->alone & 1] & TCP_FIN) {
		c->last_fin = c->alone;
		state = STATE_CLOSING;
	}
	if (__sync_val_compare_and_swap(&c->state, STATE_UNANSWERED, state) == STATE_UNANSWERED)
		add_event(c, EVENT_ADOPTED);
	return 1;
}

/* For a packet that is not plain data of an established TCP connection. Returns whether to report
 * it at once. Global: the verifier checks it once, not again for each kind of packet. */
__noinline int update_state(struct connection *c, const struct packet *p, __u32 to, __u32 bytes)
{
	__u8 direction = to & 1;
	__u64 now = bpf_ktime_get_ns();
	__u8 control, new_flags;
	__u32 before, bypassed;

	if (!c || !p)
		return 0;
	control = p->tcp_flags & TCP_CONTROL;
	new_flags = control & ~c->seen[direction];
	before = c->state;
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
	if (c->state == STATE_CLOSED || c->state == STATE_UNANSWERED) {
		if (control & TCP_SYN && !(p->tcp_flags & TCP_ACK))
			reopen_connection(c, direction, bytes, now);
		else if (c->state == STATE_CLOSED)
			c->half_closed &= !(control & (TCP_FIN | TCP_RST));
		if (c->state == STATE_CLOSED)
			return 0;
	} else if (control && c->state >= STATE_ESTABLISHED) {
		replace_connection(c, p->tcp_flags, direction, bytes, now);
	}
	bypassed = shows_bypass(c, p->tcp_flags, direction);
	c->seen[direction] |= p->tcp_flags;
	if (c->state != STATE_UNANSWERED || is_answered(c, p->tcp_flags, direction))
		update_tcp_state(c, p->tcp_flags, direction, now);
	return new_flags || bypassed || (c->state != before && c->state != STATE_SYN_ACK);
}

/* State and events from the first packet of an entry, and the initiator as far as the packet shows it:
 * find_initiator() and update_state() do the rest. */
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
		/* established before Weir started; the server sends a SYN-ACK */
		c->state = STATE_UNANSWERED;
		c->alone = direction;
		c->initiator = p->tcp_flags & TCP_SYN ? !direction : direction;
	}
}
