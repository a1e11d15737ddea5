/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * flush_connections.h - the flush program of the connection table.
 *
 * Out:   a record for each connection with unreported counts; entries deleted that are idle, or
 *        refer to a stale entity.
 */
#pragma once

#include "connection.h"
#include "flush.h"
#include "ip_cache.h"
#include "life.h"
#include "packet.h"
#include "state.h"
#include "untranslated.h"
#include "weir.h"

#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_helpers.h>

/* Idle times in ns after which an entry is deleted. Opening: longer than a SYN is retransmitted,
 * after up to 64 s (net.ipv4.tcp_syn_retries). Closing: only one side has sent a FIN. */
const volatile __u64 idle_tcp_ns = 21600000000000;
const volatile __u64 idle_opening_ns = 130000000000;
const volatile __u64 idle_closing_ns = 300000000000;
const volatile __u64 idle_closed_ns = 10000000000;
const volatile __u64 idle_other_ns = 60000000000;

/* Interfaces that are no longer watched: their connections see no further packet and expire early.
 * An interface evicted from here leaves its connections to their usual idle times. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u8);
} gone_interfaces SEC(".maps");

/* The frame starts at `size`; `align` gives the record the alignment of its fields. */
struct trace_frame {
	__u32 align;
	__u32 size;
	struct trace_record record;
};

/* In a map: from 6.19 on the verifier tracks every word of a frame on the stack, and refuses the
 * program after a million instructions. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct trace_frame);
} trace_frame SEC(".maps");

static __always_inline __u64 idle_limit(const struct connection *c, __u8 proto)
{
	if (c->state == STATE_CLOSED)
		return c->half_closed ? idle_tcp_ns : idle_closed_ns;
	if (proto != IPPROTO_TCP)
		return idle_other_ns;
	if (c->state == STATE_CLOSING && c->seen[0] && c->seen[1])
		return c->seen[0] & c->seen[1] & TCP_FIN ? idle_closed_ns : idle_closing_ns;
	return c->state == STATE_ESTABLISHED ? idle_tcp_ns : idle_opening_ns;
}

/* --connections, which is also the size of the table. */
const volatile __u32 connections_max = 262144;

/* As pf's adaptive timeouts (pf.conf(5)): once three quarters of the table are in use, idle times shrink
 * in proportion to the room that is left. So those idle longest give way before a new connection
 * finds no room. */
static __always_inline __u64 adapted_limit(__u64 limit, __u32 entries)
{
	__u32 quarter = connections_max / 4, left;

	if (!quarter || entries <= connections_max - quarter || limit <= idle_closed_ns)
		return limit;
	left = entries < connections_max ? connections_max - entries : 0;
	limit = limit / quarter * left;
	return limit > idle_closed_ns ? limit : idle_closed_ns;
}

/* Closes a connection that one side has closed and that is silent since. Its entry stays: the other
 * side's last packets, hours later, are no connection of their own. */
static __always_inline void close_half(struct connection *c, __u64 idle)
{
	if (c->state != STATE_CLOSING || idle <= idle_closing_ns || !c->seen[0] || !c->seen[1] ||
	    c->seen[0] & c->seen[1] & TCP_FIN)
		return;
	c->half_closed = 1;
	close_connection(c, EVENT_FIN, c->last_ns);
}

/* Closes the connection of an idle entry. Returns 1 when it was open, so timed out. */
static __always_inline __u8 close_idle(struct connection *c)
{
	__u32 state = c->state;

	if (!was_open(c))
		return 0;
	c->state = STATE_CLOSED;
	set_duration(c, c->last_ns);
	if (state == STATE_CLOSING && c->seen[0] && c->seen[1]) {
		add_event(c, EVENT_FIN);
		return 0;
	}
	return 1;
}

/* Evicts an entry that refers to a stale entity. Returns 1 when the caller has to delete it now. */
static __always_inline int evict_or_delete(struct connection *c, __u64 now)
{
	if (c->life == LIFE_DEAD)
		return now - c->expiring_ns > GRACE_NS && claim(&c->life);
	evict(c, now);
	return 0;
}

/* For bpf_for_each_map_elem: returning 1 ends the run. */
static long flush_connection(void *map, const struct flow_key *key, struct connection *c,
			     struct flush *f)
{
	__u64 now = bpf_ktime_get_ns(), idle, limit;
	struct flow_key own = *key;
	struct trace_frame *frame;
	int to_delete, evicted, stale, asked, checked = RECHECK_SAME;
	__u32 zero = 0;

	frame = bpf_map_lookup_elem(&trace_frame, &zero);
	if (!frame || !has_room(f, sizeof(*frame)))
		return 1;
	__builtin_memset(frame, 0, sizeof(*frame));
	frame->size = sizeof(struct trace_record);
	f->run->visited++;
	stale = f->run->any_stale &&
		(is_stale(c->a.entity) || is_stale(c->b.entity) || is_stale(c->service));
	f->run->stale += stale;
	f->run->deferred += c->defer_until_ns != 0;
	if (c->pass == f->run->pass || c->life == LIFE_GONE)
		return 0;
	c->pass = f->run->pass;
	/* packets of established TCP set no time: unreported counts show that some came */
	if (own.proto == IPPROTO_TCP && c->state == STATE_ESTABLISHED && unreported_bytes(c))
		c->last_ns = now;
	idle = since(now, c->last_ns);
	close_half(c, idle);
	limit = adapted_limit(idle_limit(c, own.proto), f->run->entries);
	if (idle > idle_closed_ns && limit > idle_closed_ns &&
	    bpf_map_lookup_elem(&gone_interfaces, &own.ifindex))
		limit = idle_closed_ns;
	evicted = stale || c->life == LIFE_DEAD || is_resolved_late(c, &own);
	to_delete =
	    evicted ? evict_or_delete(c, now) : expire(&c->life, &c->expiring_ns, idle, limit, now);
	asked = awaits_translation(c) && take_answer(c, &own, now, f->run->closing != PASS_REGULAR);
	if (!asked && !to_delete && !evicted && f->run->closing == PASS_REGULAR)
		checked = recheck(c, &own, now);
	if (checked == RECHECK_OTHER) {
		/* ends the names of earlier reports; the next round reports the new counts */
		frame->record.ext.timed_out = was_open(c) * 2;
		describe(&frame->record, &own, c, c->initiator);
		write_frame(f, &frame->size, sizeof(*frame) - sizeof(frame->align));
		take_other(c, &own);
	}
	asked |= checked != RECHECK_SAME;
	f->run->asked += asked;
	if (f->run->closing == PASS_LAST_REPORT && c->defer_until_ns) {
		asked = 0;
		c->defer_until_ns = now; /* the wait is over */
	}
	/* counts of an entry that is being deleted are no longer deferred */
	if ((asked || still_deferred(c, &own, now)) && !to_delete && !evicted)
		return 0;
	if (to_delete)
		frame->record.ext.timed_out = evicted ? was_open(c) * 2 : close_idle(c);
	if (take(c, &frame->record.ext) | frame->record.ext.timed_out) {
		describe(&frame->record, &own, c, c->initiator);
		write_frame(f, &frame->size, sizeof(*frame) - sizeof(frame->align));
	}
	if (to_delete) {
		bpf_map_delete_elem(&connections, &own);
		f->run->deleted++;
		f->run->stale -= stale;
	}
	return 0;
}

static __always_inline int flush_connections(struct pass *pass)
{
	struct flush f = {};

	if (!begin_run(&f, pass))
		return 0;
	bpf_for_each_map_elem(&connections, flush_connection, &f, 0);
	return end_run(&f, pass);
}

SEC("syscall")
int weir_flush(struct pass *pass)
{
	return flush_connections(pass);
}
