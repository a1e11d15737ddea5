/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * flush.h - a pass over a table in the kernel: report unreported counts, delete expired entries.
 *
 * In:    user space runs a flush program (BPF_PROG_TEST_RUN) at every report interval and scrape,
 *        with a struct pass: weir_flush for `connections`, weir_flush_drops for `drops`.
 * Out:   whole frames (u32 size, record) with the layout of the ring, in `flush_buffer`. The
 *        program returns their total length.
 * Never: takes counts that have no room in the buffer.
 */
#pragma once

#include "weir.h"

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* 14,000 connection records, or 30,000 drops. */
#define FLUSH_BYTES (4 << 20)

struct flush_buffer {
	__u8 frames[FLUSH_BYTES];
};

/* 4 MiB, mapped by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flush_buffer);
} flush_buffer SEC(".maps");

/* The current run. In a map: the verifier would track each value of a number on the stack. */
struct flush_run {
	__u32 pass;
	__u32 length; /* of the frames */
	__u32 full;
	__u32 visited;
	__u32 deleted;
	__u32 any_stale; /* whether any entity is stale */
	__u32 stale;	 /* entries that still refer to one */
	__u32 deferred;
	__u32 asked;
	__u32 closing; /* PASS_* */
	__u32 entries; /* after the last pass */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flush_run);
} flush_run SEC(".maps");

/* Argument of the callback that visits the entries. */
struct flush {
	struct flush_run *run;
	struct flush_buffer *out;
};

static __always_inline int begin_run(struct flush *f, const struct pass *pass)
{
	__u32 zero = 0;

	f->run = bpf_map_lookup_elem(&flush_run, &zero);
	f->out = bpf_map_lookup_elem(&flush_buffer, &zero);
	if (!f->run || !f->out)
		return 0;
	__builtin_memset(f->run, 0, sizeof(*f->run));
	f->run->pass = pass->number;
	f->run->any_stale = pass->stale;
	f->run->closing = pass->closing;
	f->run->entries = pass->entries;
	return 1;
}

/* Returns the length of the frames. */
static __always_inline int end_run(const struct flush *f, struct pass *pass)
{
	pass->full = f->run->full;
	pass->entries = f->run->visited - f->run->deleted;
	pass->stale = f->run->stale;
	pass->deferred = f->run->deferred;
	pass->asked = f->run->asked;
	return f->run->length;
}

static __always_inline int has_room(struct flush *f, __u32 size)
{
	if (f->run->length <= FLUSH_BYTES - size)
		return 1;
	f->run->full = 1;
	return 0;
}

/* Copied by the kernel: in place, at addresses that are not multiples of 8, the compiler would
 * write byte by byte. */
static __always_inline void write_frame(struct flush *f, const void *frame, __u32 size)
{
	__u32 at = f->run->length;

	if (at > FLUSH_BYTES - size)
		return; /* for the verifier: has_room() was true */
	bpf_probe_read_kernel(f->out->frames + at, size, frame);
	f->run->length = at + size;
}
