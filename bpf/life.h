/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * life.h - deletion of an idle table entry without losing a packet.
 *
 * A flush marks an idle entry as expiring. Any packet makes it alive again. A later flush, after
 * the grace period, deletes it if it is still expiring. Both sides decide by compare-and-swap on
 * `life`, so a packet either keeps the entry or finds it dead and is counted elsewhere.
 */
#pragma once

#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#define LIFE_ALIVE 0
#define LIFE_EXPIRING 1
#define LIFE_DEAD 2
#define LIFE_GONE 3 /* one program deletes it now */

/* From expiring, or dead, to deletion: longer than a program runs that read the entry as alive. */
#define GRACE_NS 100000000ULL

static __always_inline __u64 since(__u64 now, __u64 then)
{
	return now > then ? now - then : 0;
}

/* Called for a packet, before it is counted. Returns 0 when the entry is dead. */
static __always_inline int keep_alive(__u32 *life)
{
	return *life == LIFE_ALIVE ||
	       __sync_val_compare_and_swap(life, LIFE_EXPIRING, LIFE_ALIVE) < LIFE_DEAD;
}

/* Makes an entry dead regardless of its traffic. Returns 0 when it was dead already. */
static __always_inline int kill_entry(__u32 *life, __u64 *expiring_ns, __u64 now)
{
	__u32 before = *life;

	if (before >= LIFE_DEAD)
		return 0;
	*expiring_ns = now;
	/* a packet or a flush may have changed it meanwhile: one more attempt, then the next call */
	return __sync_val_compare_and_swap(life, before, LIFE_DEAD) == before ||
	       __sync_val_compare_and_swap(life, LIFE_ALIVE, LIFE_DEAD) == LIFE_ALIVE;
}

/* Whether the caller has to delete this dead entry: one of a flush and of the programs that make
 * room does. */
static __always_inline int claim(__u32 *life)
{
	return __sync_val_compare_and_swap(life, LIFE_DEAD, LIFE_GONE) == LIFE_DEAD;
}

/* Called by a flush. Returns 1 when the caller has to delete the entry now. */
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
	       __sync_val_compare_and_swap(life, LIFE_EXPIRING, LIFE_DEAD) == LIFE_EXPIRING;
}
