/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach.h - attaches an object's programs to interfaces and tracepoints.
 *
 * In:    interface numbers in the network namespace of the calling thread.
 * Out:   TCX links (6.6+) at the head of the hook, so that Weir sees packets that later programs
 *        drop or redirect; without TCX, clsact filters.
 * Fail:  an interface has both of its programs or neither.
 */
#pragma once

#include "errors.h"
#include "owned.h"
#include "tc.h"

#include <map>
#include <optional>
#include <sys/types.h>

enum class Mode { kAuto, kTcx, kTc };

struct Hooks {
	const bpf_object *object;
	int ifindex;
	const bpf_program *ingress;
	const bpf_program *egress;
};

class Attachments
{
      public:
	/* Sets `mode` to the type used: kTcx or kTc. */
	Fault Attach(const Hooks &hooks, Mode &mode);
	Fault Detach(int ifindex);
	Fault Trace(const bpf_program *program);
	void Clear();

      private:
	struct Interface {
		Fd ingress_link;
		Fd egress_link;
		std::unique_ptr<TcFilter> ingress_filter;
		std::unique_ptr<TcFilter> egress_filter;
	};
	/* Interface numbers are unique only within a namespace. */
	using Key = std::pair<ino_t, int>;

	Fault AttachLinks(const Hooks &hooks, Interface &interface);
	static Fault AttachFilters(const Hooks &hooks, Fd netns, Interface &interface);

	std::map<Key, Interface> interfaces_;
	std::map<const bpf_program *, LinkPtr> tracing_;
	std::optional<bool> has_tcx_; /* known after the first attempt */
};
