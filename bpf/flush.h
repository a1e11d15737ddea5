/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sweep.h - a pass over a table in the kernel: tell what is owed, let the dead go.
 *
 * In:    user space runs a program of its own, weir_sweep or weir_sweep_drops, at every report
 *        interval and scrape (BPF_PROG_TEST_RUN), with a struct pass.
 * Out:   whole frames (u32 size, record) in the layout of the ring, in `swept`; the bytes of all
 *        are what the program returns.
 * Never: takes what it has no room to tell.
 */
#pragma once

/* Idle times after which an entry goes, in ns; closing is with a FIN of one side only. A SYN is
 * sent again after up to 64 s (net.ipv4.tcp_syn_retries): opening lasts longer than that. */
const volatile __u64 idle_tcp_ns = 21600000000000;
const volatile __u64 idle_opening_ns = 130000000000;
const volatile __u64 idle_closing_ns = 300000000000;
const volatile __u64 idle_closed_ns = 10000000000;
const volatile __u64 idle_other_ns = 60000000000;
const volatile __u64 idle_drop_ns = 60000000000;

/* Between doubt and deletion: longer than any program that read the entry as alive can run. */
#define GRACE_NS 100000000ULL

/* 14,000 records of connections, or every drop that its table can hold. */
#define FLUSH_BYTES (4 << 20)

struct flush_buffer {
	__u8 frames[FLUSH_BYTES];
};

/* Mapped by user space. 4 MiB. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flush_buffer);
} flush_buffer SEC(".maps");

/* The run under way. In a map: of numbers on the stack the verifier would follow each value. */
struct run {
	__u32 pass;
	__u32 length; /* of the frames */
	__u32 full;
	__u32 visited;
	__u32 deleted;
	__u32 stale_entities; /* whether there are retired rows */
	__u32 stale;    /* entries that still bear one */
	__u32 deferred;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct run);
} runs SEC(".maps");

/* What the callback of a run gets. */
struct flush {
	struct run *run;
	struct flush_buffer *out;
};

/* Interfaces that are watched no more: their connections see no packet again. The oldest goes
 * first, and then its connections wait for their own idle time. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u8);
} removed_interfaces SEC(".maps");

/* What is written starts at `size`; `align` keeps the record at its own alignment. */
struct trace_frame {
	__u32 align;
	__u32 size;
	struct trace_record record;
};

static __always_inline int begin_run(struct flush *s, const struct pass *pass)
{
	__u32 zero = 0;

	s->run = bpf_map_lookup_elem(&runs, &zero);
	s->out = bpf_map_lookup_elem(&flush_buffer, &zero);
	if (!s->run || !s->out)
		return 0;
	__builtin_memset(s->run, 0, sizeof(*s->run));
	s->run->pass = pass->number;
	s->run->stale_entities = pass->stale;
	return 1;
}

/* Bytes of the frames. */
static __always_inline int end_run(const struct flush *s, struct pass *pass)
{
	pass->full = s->run->full;
	pass->entries = s->run->visited - s->run->deleted;
	pass->stale = s->run->stale;
	pass->deferred = s->run->deferred;
	return s->run->length;
}

static __always_inline int has_room(struct flush *s, __u32 size)
{
	if (s->run->length <= FLUSH_BYTES - size)
		return 1;
	s->run->full = 1;
	return 0;
}

/* Copied by the kernel: in place, at addresses that are no multiple of 8, it would be byte by byte.
 */
static __always_inline void write_frame(struct flush *s, const void *frame, __u32 size)
{
	__u32 at = s->run->length;

	if (at > FLUSH_BYTES - size)
		return; /* has_room() was asked; for the verifier */
	bpf_probe_read_kernel(s->out->frames + at, size, frame);
	s->run->length = at + size;
}

static __always_inline __u64 idle_limit(const struct connection *c, __u8 proto)
{
	if (c->state == STATE_CLOSED)
		return idle_closed_ns;
	if (proto != IPPROTO_TCP)
		return idle_other_ns;
	if (c->state == STATE_CLOSING)
		return c->seen[0] & c->seen[1] & TCP_FIN ? idle_closed_ns : idle_closing_ns;
	return c->state == STATE_ESTABLISHED ? idle_tcp_ns : idle_opening_ns;
}

/* Two steps, so that no packet is lost in between: doubt, then delete unless a packet came.
 * Shared by both tables; returns whether the entry is ours to delete now. */
static __always_inline int expire(__u32 *life, __u64 *expiring_ns, __u64 idle, __u64 limit,
				  __u64 now)
{
	if (idle <= limit) {
		__sync_val_compare_and_swap(life, LIFE_EXPIRING, LIFE_ALIVE);
		return 0;
	}
	if (*life == LIFE_ALIVE) {
		*expiring_ns = now;
		__sync_val_compare_and_swap(life, LIFE_ALIVE, LIFE_EXPIRING);
		return 0;
	}
	return now - *expiring_ns > GRACE_NS &&
	       __sync_val_compare_and_swap(life, LIFE_EXPIRING, LIFE_GONE) == LIFE_EXPIRING;
}

/* An entry goes: close the connection if it is open. */
static __always_inline __u8 finish(struct connection *c)
{
	__u32 state = c->state;

	if (state == STATE_CLOSED || state == STATE_RELATED)
		return 0;
	c->state = STATE_CLOSED;
	end(c, c->last_ns);
	if (state == STATE_CLOSING && c->seen[0] & c->seen[1] & TCP_FIN) {
		add_event(c, EVENT_FIN);
		return 0;
	}
	return 1;
}

static __always_inline __u64 since(__u64 now, __u64 then)
{
	return now > then ? now - then : 0;
}

/* Of an entry whose names ended: whether it is ours to delete now. */
static __always_inline int let_go(struct connection *c, __u64 now)
{
	if (c->life == LIFE_GONE)
		return now - c->expiring_ns > GRACE_NS;
	evict(c, now);
	return 0;
}

static __always_inline int was_open(const struct connection *c)
{
	return c->state != STATE_CLOSED && c->state != STATE_RELATED;
}

/* For bpf_for_each_map_elem: 1 ends the run. */
static long flush_connection(void *map, const struct flow_key *key, struct connection *c,
			     struct flush *s)
{
	struct trace_frame frame = {.size = sizeof(struct trace_record)};
	__u64 now = bpf_ktime_get_ns(), idle, limit;
	struct flow_key own = *key;
	int gone, ended, stale;

	if (!has_room(s, sizeof(frame)))
		return 1;
	s->run->visited++;
	stale = s->run->stale_entities && (is_stale(c->a.entity) || is_stale(c->b.entity));
	s->run->stale += stale;
	s->run->deferred += c->defer_until_ns != 0;
	if (c->pass == s->run->pass)
		return 0;
	c->pass = s->run->pass;
	/* established TCP keeps no clock: owed packets are its sign of life */
	if (own.proto == IPPROTO_TCP && c->state == STATE_ESTABLISHED && unreported_bytes(c))
		c->last_ns = now;
	idle = since(now, c->last_ns);
	limit = idle_limit(c, own.proto);
	if (idle > idle_closed_ns && limit > idle_closed_ns &&
	    bpf_map_lookup_elem(&removed_interfaces, &own.ifindex))
		limit = idle_closed_ns;
	ended = stale || c->life == LIFE_GONE || is_resolved_late(c, &own);
	gone = ended ? let_go(c, now) : expire(&c->life, &c->expiring_ns, idle, limit, now);
	/* whoever goes waits no longer */
	if (is_deferred(c, &own, now) && !gone && !ended)
		return 0;
	if (gone)
		frame.record.ext.timed_out = ended ? was_open(c) * 2 : finish(c);
	if (take(c, &frame.record.ext) | frame.record.ext.timed_out) {
		describe(&frame.record, &own, c, c->initiator);
		write_frame(s, &frame.size, sizeof(frame) - sizeof(frame.align));
	}
	if (gone) {
		bpf_map_delete_elem(&connections, &own);
		s->run->deleted++;
		s->run->stale -= stale;
	}
	return 0;
}

SEC("syscall")
int weir_flush(struct pass *pass)
{
	struct flush s = {};

	if (!begin_run(&s, pass))
		return 0;
	bpf_for_each_map_elem(&connections, flush_connection, &s, 0);
	return end_run(&s, pass);
}
