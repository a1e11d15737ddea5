/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * flush_drops.h - the flush program of the table of drops.
 *
 * Out:   a record for each kind of drop with unreported counts; idle entries deleted.
 */
#pragma once

#include "drop_table.h"
#include "flush.h"
#include "ip_cache.h"
#include "life.h"
#include "weir.h"

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Idle time in ns after which an entry is deleted. */
const volatile __u64 idle_drop_ns = 60000000000;

/* As struct trace_frame. */
struct drop_frame {
	__u32 align;
	__u32 size;
	struct drop_record record;
};

static long flush_drop(void *map, const struct drop_key *key, struct drop *d, struct flush *f)
{
	struct drop_frame frame = {.size = sizeof(struct drop_record)};
	__u64 now = bpf_ktime_get_ns();
	struct drop_key own = *key;
	int to_delete;

	if (!has_room(f, sizeof(frame)))
		return 1;
	f->run->visited++;
	/* entries by address may be many: they expire early */
	to_delete =
	    expire(&d->life, &d->expiring_ns, since(now, d->last_ns),
		   own.detail & DETAIL_ADDRESSES && entity_wait_ns < idle_drop_ns ? entity_wait_ns
										  : idle_drop_ns,
		   now);
	if (drop_still_deferred(d, now) && !to_delete)
		return 0;
	if (take_drop(d, &frame.record.ext)) {
		describe_drop(&frame.record, &own, d);
		write_frame(f, &frame.size, sizeof(frame) - sizeof(frame.align));
	}
	if (to_delete) {
		if (!bpf_map_delete_elem(&drops, &own))
			count_entry(&own, -1);
		f->run->deleted++;
	}
	return 0;
}

static __always_inline int flush_drops(struct pass *pass)
{
	struct flush f = {};

	if (!begin_run(&f, pass))
		return 0;
	bpf_for_each_map_elem(&drops, flush_drop, &f, 0);
	return end_run(&f, pass);
}

SEC("syscall")
int weir_flush_drops(struct pass *pass)
{
	return flush_drops(pass);
}
