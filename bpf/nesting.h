/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * nesting.h - frees that interrupt each other on one CPU, each counted exactly once.
 *
 * A free may interrupt the counting of another: a softirq drops a packet while the task it
 * interrupted closes a socket. The kernel (6.1 and later) refuses to run a program on a CPU where
 * the same program is active. So two programs are attached to the tracepoint, one behind the other.
 * weir_drop notes every packet it sees. weir_drop_nested counts the packets without a note; when it
 * finds one, the notes above it belong to frees that have returned.
 *
 * A note stays behind when weir_drop_nested is refused, because the free interrupted a run of it.
 * The packet's address is soon reused, and the next packet there would look noted. So each note
 * records where the arguments of its free are on the stack, and is removed once the stack pointer
 * shows that the free has returned; code on a task's own stack interrupts nothing.
 *
 * Never: loses the note of an active free: there are more slots than contexts, and when they run
 *        out, the topmost is overwritten. A note that stayed behind hides only a free of the same
 *        address that interrupts the first instructions of the next run. That free is not counted,
 *        but the kernel counts the miss.
 */
#pragma once

#include "kernel.h"

#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

/* Task, softirq, interrupt, NMI. Each may interrupt those before it, so at most this many runs are
 * active on a CPU. */
#define CONTEXTS 4
#define NOTES 8
/* Size of a task's stack (THREAD_SIZE), at least. */
#define STACK_BYTES 16384
/* Stack depth that the frames of one context span, at most. */
#define FRAMES_BYTES 4096

struct note {
	__u64 skb;
	__u64 at; /* stack address of the arguments of this free */
};

struct frees {
	__u32 depth; /* active runs that use drop_scratch */
	__u32 count;
	volatile __u64 number; /* see number_of() */
	struct note notes[NOTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct frees);
} frees SEC(".maps");

static __always_inline struct frees *frees_here(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&frees, &zero);
}

static __always_inline struct note *note_of(struct frees *f, __u32 number)
{
	return &f->notes[number & (NOTES - 1)];
}

/* A pointer as a number. It goes through memory: the verifier forbids comparing pointers. */
static __always_inline __u64 number_of(struct frees *f, const void *pointer)
{
	f->number = (__u64)pointer;
	return f->number;
}

/* Whether the free noted at stack address `noted` has returned, given that code now runs at `at`.
 * `stack` is the base of the task's stack. Stacks grow downwards. */
static __always_inline int is_over(__u64 noted, __u64 at, __u64 stack)
{
	if (at - stack < STACK_BYTES)
		return noted <= at || noted - stack >= STACK_BYTES;
	return at - noted < FRAMES_BYTES;
}

static __always_inline void note_free(struct frees *f, const struct sk_buff *skb, const void *ctx)
{
	__u64 stack = number_of(f, bpf_get_current_task_btf()->stack);
	__u64 at = number_of(f, ctx);
	__u32 count = f->count;
	struct note *note;

	for (int n = 0; n < NOTES && count; n++, count--)
		if (!is_over(note_of(f, count - 1)->at, at, stack))
			break;
	if (count == NOTES)
		count--;
	note = note_of(f, count);
	note->skb = (__u64)skb;
	note->at = at;
	f->count = count + 1;
}

/* Removes the note of the packet, nearly always the topmost, and those above it. Returns 0 when
 * weir_drop did not see the packet. */
static __always_inline int was_noted(struct frees *f, const struct sk_buff *skb)
{
	__u32 count = f->count;

	for (int n = 0; n < NOTES && count; n++, count--) {
		if (note_of(f, count - 1)->skb != (__u64)skb)
			continue;
		f->count = count - 1;
		return 1;
	}
	return 0;
}
