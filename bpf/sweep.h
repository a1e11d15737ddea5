/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sweep.h - a pass over a table in the kernel: tell what is owed, let the dead go.
 *
 * In:    user space reads an iterator over `connections` or `drops`, at every report interval and
 * scrape. Out:   whole frames (u32 size, record) in the layout of the ring, and `passes`. Fail:  a
 * record that does not fit the reader's buffer goes back; the kernel shows the entry again.
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

#define PASS_CONNECTIONS 0
#define PASS_DROPS 1

/* By PASS_*; see struct pass. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct pass);
} passes SEC(".maps");

/* Interfaces that are watched no more: their connections see no packet again. The oldest goes
 * first, and then its connections wait for their own idle time. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u8);
} vanished SEC(".maps");

/* What is written starts at `size`; `align` keeps the record at its own alignment. */
struct trace_frame {
	__u32 align;
	__u32 size;
	struct trace_record record;
};

/* `seq_num` counts from 0, and an entry shown again has its number again. */
static __always_inline void meet(__u32 which, __u64 seq_num)
{
	struct pass *pass = bpf_map_lookup_elem(&passes, &which);

	if (pass)
		pass->met = seq_num + 1;
}

/* The reader's buffer is full. The kernel finds the entry again by its place in its bucket, so
 * after deletions it may miss some: they are not lost, but this pass was not whole. */
static __always_inline void refused(__u32 which)
{
	struct pass *pass = bpf_map_lookup_elem(&passes, &which);

	if (pass && pass->deleted)
		pass->missing = 1;
}

static __always_inline void deleted(__u32 which)
{
	struct pass *pass = bpf_map_lookup_elem(&passes, &which);

	if (pass)
		pass->deleted++;
}

/* The kernel calls once more at the end of a pass, without an entry and with the last one's number.
 */
static __always_inline int end_pass(__u32 which)
{
	struct pass *pass = bpf_map_lookup_elem(&passes, &which);

	if (pass) {
		pass->entries = pass->met - pass->deleted;
		pass->missed = pass->missing;
		pass->met = pass->deleted = pass->missing = 0;
	}
	return 0;
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
static __always_inline int expire(__u32 *life, __u64 *doubted_ns, __u64 idle, __u64 limit,
				  __u64 now)
{
	if (idle <= limit) {
		__sync_val_compare_and_swap(life, LIFE_DOUBTED, LIFE_ALIVE);
		return 0;
	}
	if (*life == LIFE_ALIVE) {
		*doubted_ns = now;
		__sync_val_compare_and_swap(life, LIFE_ALIVE, LIFE_DOUBTED);
		return 0;
	}
	return now - *doubted_ns > GRACE_NS &&
	       __sync_val_compare_and_swap(life, LIFE_DOUBTED, LIFE_GONE) == LIFE_DOUBTED;
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

SEC("iter/bpf_map_elem")
int weir_sweep(struct bpf_iter__bpf_map_elem *ctx)
{
	struct trace_frame frame = {.size = sizeof(struct trace_record)};
	const struct flow_key *key = ctx->key;
	struct connection *c = ctx->value;
	__u64 now = bpf_ktime_get_ns(), idle, limit, any;
	struct flow_key own;
	__u32 state;
	int gone;

	if (!key || !c)
		return end_pass(PASS_CONNECTIONS);
	meet(PASS_CONNECTIONS, ctx->meta->seq_num);
	own = *key;
	state = c->state;
	/* established TCP keeps no clock: owed packets are its sign of life */
	if (own.proto == IPPROTO_TCP && c->state == STATE_ESTABLISHED && owed_bytes(c))
		c->last_ns = now;
	idle = since(now, c->last_ns);
	limit = idle_limit(c, own.proto);
	if (idle > idle_closed_ns && limit > idle_closed_ns &&
	    bpf_map_lookup_elem(&vanished, &own.ifindex))
		limit = idle_closed_ns;
	gone = expire(&c->life, &c->doubted_ns, idle, limit, now);
	if (gone)
		frame.record.ext.timed_out = finish(c);
	any = take(c, &frame.record.ext) | frame.record.ext.timed_out;
	if (any) {
		describe(&frame.record, &own, c, c->opener);
		if (bpf_seq_write(ctx->meta->seq, &frame.size,
				  sizeof(frame) - sizeof(frame.align))) {
			put_back(c, &frame.record.ext);
			if (frame.record.ext.timed_out) {
				c->state = state;
				c->duration_ns = 0;
			}
			if (gone)
				c->life = LIFE_DOUBTED;
			refused(PASS_CONNECTIONS);
			return 0;
		}
	}
	if (gone) {
		bpf_map_delete_elem(&connections, &own);
		deleted(PASS_CONNECTIONS);
	}
	return 0;
}
