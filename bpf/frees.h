/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * frees.h - the frees that are being counted on this CPU, so that each is counted, and once.
 *
 * A free may interrupt the counting of another: a softirq drops a packet while the task below it
 * closes a socket. Of one program the kernel (6.1 and later) lets no second run start on a CPU
 * where one is under way; so two stand on the tracepoint, one behind the other. The first notes
 * every packet that it meets, the second counts those that it does not find, and what lies above
 * one that it finds is over with it.
 *
 * A note outlives its free when the second program is refused: what interrupted a run of it. The
 * packet's address is soon another's, which would be taken for noted. So a note goes as soon as its
 * place on the stack says that it is over: each is where its free's arguments lie, and whatever
 * runs on the task's own stack has nothing above it.
 *
 * Never: loses a note of a free that is under way: there are more places than contexts, and the
 * topmost is taken when they are short. A note that is over is found only by a free of the same
 * address that interrupts the next run's first instructions: it is not counted, and the kernel's
 * count of misses tells.
 */
#pragma once

/* Task, softirq, interrupt, NMI: each interrupts those before, so no more runs are under way. */
#define CONTEXTS 4
#define NOTES 8
/* Of a task (THREAD_SIZE), at least; and how far the frames of one context differ, at most. */
#define STACK_BYTES 16384
#define FRAMES_BYTES 4096

struct note {
	__u64 skb;
	__u64 at; /* where the arguments of its free lie */
};

struct frees {
	__u32 depth; /* runs under way that use drop_scratch */
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

/* A pointer as a number: the verifier lets none be compared that has not been through memory. */
static __always_inline __u64 number_of(struct frees *f, const void *pointer)
{
	f->number = (__u64)pointer;
	return f->number;
}

/* Whether a note at `noted` is over, as what runs at `at` tells; `stack`: the task's own. Stacks
 * grow downwards. */
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

/* Whether the first program met the packet, which nearly always lies on top; forgets it. */
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

/* As count(), but not torn by a run that interrupts this one. */
static __always_inline void add_atomic(struct count *n, __u64 bytes)
{
	if (!n)
		return;
	__sync_fetch_and_add(&n->packets, 1);
	__sync_fetch_and_add(&n->bytes, bytes);
}

static __always_inline void count_atomic(__u32 which, __u64 bytes)
{
	add_atomic(bpf_map_lookup_elem(&counters, &which), bytes);
}
