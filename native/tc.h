/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tc.h - a clsact filter of Weir's, for kernels without TCX.
 *
 * Out:   the program at kTcPriority and kTcHandle of an interface's ingress or egress, removed by
 *        the destructor. A filter that a previous Weir left there (a program with one of our names)
 *        is replaced, never doubled.
 * Fail:  EEXIST when another owner's filter has that priority and handle.
 * Never: touches the filters of others. Never removes the clsact qdisc: others may have filters in
 *        it, and an empty one costs nothing.
 */
#pragma once

#include "errors.h"
#include "owned.h"

#include <cstdint>
#include <memory>

/* Priority 1 runs first. Among other filters of priority 1 the handle ("weir") identifies ours. */
constexpr uint32_t kTcPriority = 1;
constexpr uint32_t kTcHandle = 0x77656972;

class TcFilter
{
      public:
	TcFilter(int ifindex, bpf_tc_attach_point point, std::shared_ptr<Fd> netns);
	~TcFilter();
	TcFilter(const TcFilter &) = delete;
	TcFilter &operator=(const TcFilter &) = delete;

	/* Call in the interface's namespace. A leftover has the name of one of the object's
	 * programs. */
	Fault Attach(const bpf_object *object, const bpf_program *program);

	/* Removes the filter of a previous Weir where this one attached a TCX link. Call in the
	 * interface's namespace. */
	static void RemoveLeftover(int ifindex, bpf_tc_attach_point point,
				   const bpf_object *object);

      private:
	Fault CheckLeftover(const bpf_object *object);

	bpf_tc_hook hook_;
	std::shared_ptr<Fd> netns_; /* netlink reaches the filter only from inside */
	uint32_t program_ = 0;	    /* id of our program; 0: not attached */
};
