/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * untranslated.h - connections that ask user space for the translation of their peer.
 *
 * In:    connections that saw no packet with a conntrack entry, e.g. one-way UDP to a Service, or a
 *        server that does not answer; the answers of user space, which asks conntrack (ctnetlink).
 * Out:   peer, service and names in struct connection, or the end of the wait. A one-way UDP stream
 *        asks again while it goes on: the Service may have another backend by now.
 */
#pragma once

#include "connection.h"
#include "life.h"
#include "weir.h"

#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_helpers.h>

/* A connection that saw no packet with the translation for so long asks user space. */
#define ASK_NS 100000000ULL

/* A UDP stream without a packet that shows its translation asks again after this long. */
#define RECHECK_NS 2000000000ULL

/* Connections that wait for user space, 100 B each. What does not fit asks once others have an answer. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, struct flow_key);
	__type(value, struct translation);
} untranslated SEC(".maps");

/* Returns 0 for an answer without a translation. */
static __always_inline int adopt_answer(struct connection *c, const struct translation *answer)
{
	__u32 before = c->translation;

	if (answer->state != TRANSLATION_KNOWN || before == NAT_BUSY ||
	    __sync_val_compare_and_swap(&c->translation, before, NAT_BUSY) != before)
		return 0;
	__builtin_memcpy(c->peer, answer->addr, sizeof(c->peer));
	c->peer_port = answer->port;
	c->service = answer->service;
	*peer_info(c) = answer->info;
	c->translation = NAT_TRANSLATED;
	return 1;
}

/* Takes user space's answer, or asks. Returns 1 while there is none: the deadline then is the
 * answer. In its first moments a connection still expects a packet with the translation, unless it
 * has to ask `at_once`. */
static __always_inline int take_answer(struct connection *c, const struct flow_key *key, __u64 now,
				       int at_once)
{
	struct translation asked = {.state = TRANSLATION_ASKED, .hook = c->hook};
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
	if (!adopt_answer(c, answer) && !((c->a.flags | c->b.flags) & INFO_UNRESOLVED))
		c->defer_until_ns = now; /* a later packet may still bring the translation */
	bpf_map_delete_elem(&untranslated, key);
	return 0;
}

/* What recheck() found. */
#define RECHECK_SAME 0
#define RECHECK_ASKED 1
#define RECHECK_OTHER 2 /* the answer in `untranslated` names another backend */

/* Asks again about a translated UDP stream, or compares the answer. */
static __always_inline int recheck(struct connection *c, const struct flow_key *key, __u64 now)
{
	struct translation asked = {.state = TRANSLATION_ASKED, .hook = c->hook};
	struct translation *answer;

	if (key->proto != IPPROTO_UDP || c->translation != NAT_TRANSLATED ||
	    since(now, c->translation_ns) < RECHECK_NS || !unreported_bytes(c))
		return RECHECK_SAME;
	answer = bpf_map_lookup_elem(&untranslated, key);
	if (!answer) /* a full table: at a later flush */
		return bpf_map_update_elem(&untranslated, key, &asked, BPF_NOEXIST) ? RECHECK_SAME
										    : RECHECK_ASKED;
	if (answer->state == TRANSLATION_ASKED)
		return RECHECK_ASKED;
	c->translation_ns = now;
	if (answer->state == TRANSLATION_KNOWN &&
	    (!is_same_address(answer->addr, c->peer) || answer->port != c->peer_port))
		return RECHECK_OTHER;
	bpf_map_delete_elem(&untranslated, key);
	return RECHECK_SAME;
}

/* Takes the other backend, also for counts since the last report: a stream that paused until its entry
 * expired goes on with it. */
static __always_inline void take_other(struct connection *c, const struct flow_key *key)
{
	struct translation *answer = bpf_map_lookup_elem(&untranslated, key);

	if (answer && adopt_answer(c, answer))
		add_event(c, EVENT_ADOPTED);
	bpf_map_delete_elem(&untranslated, key);
}
