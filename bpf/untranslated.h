/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * untranslated.h - connections that ask user space for the translation of their peer.
 *
 * In:    connections that saw no packet with a conntrack entry, e.g. one-way UDP to a Service, or a
 *        server that does not answer; the answers of user space, which asks conntrack (ctnetlink).
 * Out:   peer, service and names in struct connection, or the end of the wait.
 */
#pragma once

#include "connection.h"
#include "life.h"
#include "weir.h"

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* A connection that saw no packet with the translation for so long asks user space. */
#define ASK_NS 100000000ULL

/* Connections that wait for user space, 100 B each. What does not fit asks once others have an answer. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, struct flow_key);
	__type(value, struct translation);
} untranslated SEC(".maps");

/* Takes user space's answer, or asks. Returns 1 while there is none: the deadline then is the
 * answer. In its first moments a connection still expects a packet with the translation, unless it
 * has to ask `at_once`. */
static __always_inline int take_answer(struct connection *c, const struct flow_key *key, __u64 now,
				       int at_once)
{
	struct translation asked = {.state = TRANSLATION_ASKED, .hook = c->hook};
	__u32 before;
	struct translation *answer = bpf_map_lookup_elem(&untranslated, key);

	if (!answer) {
		if ((since(now, c->first_ns) < ASK_NS && !at_once) ||
		    since(now, c->defer_until_ns) > entity_wait_ns)
			return 0;
		if (!bpf_map_update_elem(&untranslated, key, &asked, BPF_NOEXIST))
			c->translation_ns = now;
		return 1;
	}
	if (answer->state == TRANSLATION_ASKED && since(now, c->translation_ns) < entity_wait_ns)
		return 1;
	before = c->translation;
	if (answer->state == TRANSLATION_KNOWN && before != NAT_BUSY &&
	    __sync_val_compare_and_swap(&c->translation, before, NAT_BUSY) == before) {
		__builtin_memcpy(c->peer, answer->addr, sizeof(c->peer));
		c->peer_port = answer->port;
		c->service = answer->service;
		*peer_info(c) = answer->info;
		c->translation = NAT_TRANSLATED;
	} else if (!((c->a.flags | c->b.flags) & INFO_UNRESOLVED)) {
		c->defer_until_ns = now; /* a later packet may still bring the translation */
	}
	bpf_map_delete_elem(&untranslated, key);
	return 0;
}
