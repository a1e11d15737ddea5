/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * frees.h - the frees that are being counted on this CPU, so that each is counted, and once.
 *
 * A free may interrupt the counting of another: a softirq drops a packet while the task below it
 * closes a socket. Of one program the kernel (6.1 and later) lets no second run start on a CPU
 * where one is under way; so two stand on the tracepoint, one behind the other. The first leaves
 * every packet here that it meets, the second counts those that it does not find. Frees nest, so
 * what lies above a packet is over with it. While the second is under way the kernel refuses it to
 * all that interrupt it, so the first leaves nothing here: a softirq that frees many packets would
 * push out the one below. While the first is under way what interrupts it was refused to it, so the
 * second counts that without looking: a packet that was left here for longer than its free, at an
 * address that is used again, would be taken for it, and the one below for one that nobody met.
 *
 * Never: holds a packet longer than its free, but for one that comes between the last instruction
 * of the second program and the kernel's noting its end. Should the address be freed again, by a
 * run that comes as close to the end of the first program, it is not counted, and the kernel's
 * count of misses tells.
 */
#pragma once

/* Task, softirq, interrupt, NMI: each interrupts those before, so no more runs are under way. */
#define CONTEXTS 4
#define MET_MAX 8 /* a power of two */

struct frees {
	__u32 depth; /* runs under way that use drop_scratch */
	__u32 top;
	__u32 again; /* the second program is under way */
	__u32 first; /* the first program is under way */
	__u64 met[MET_MAX];
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

static __always_inline void met_first(struct frees *f, const struct sk_buff *skb)
{
	__u32 top;

	if (f->again)
		return;
	top = f->top;
	/* Nobody frees a packet twice at a time: what lies here of its address is over. */
	for (__u32 n = 0; n < MET_MAX; n++)
		if (f->met[n] == (__u64)skb)
			f->met[n] = 0;
	f->met[top & (MET_MAX - 1)] = (__u64)skb;
	f->top = top + 1;
}

static __always_inline void forget(struct frees *f, __u32 top, __u32 below)
{
	for (__u32 n = 1; n <= MET_MAX && n <= below; n++)
		f->met[(top - n) & (MET_MAX - 1)] = 0;
	f->top = top - below;
}

/* Whether the first program met the packet, which nearly always lies on top; forgets it. */
static __always_inline int first_met(struct frees *f, const struct sk_buff *skb)
{
	__u32 top = f->top;

	if (f->first)
		return 0;
	for (__u32 n = 1; n <= MET_MAX; n++) {
		if (f->met[(top - n) & (MET_MAX - 1)] != (__u64)skb)
			continue;
		forget(f, top, n);
		return 1;
	}
	return 0;
}

/* As count(), but not torn by a run that interrupts this one. */
static __always_inline void add_count(struct count *n, __u64 bytes)
{
	if (!n)
		return;
	__sync_fetch_and_add(&n->packets, 1);
	__sync_fetch_and_add(&n->bytes, bytes);
}

static __always_inline void count_drop(__u32 which, __u64 bytes)
{
	add_count(bpf_map_lookup_elem(&counters, &which), bytes);
}
