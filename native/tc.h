/*
 * tc.h - one clsact filter of Weir's own, for kernels without TCX.
 *
 * Out:   the program at kTcPriority and kTcHandle of one interface's ingress or egress; it goes
 * with its owner. A filter that an earlier Weir left there (a program with a name of ours) is
 * replaced, never doubled. Fail:  EEXIST when somebody else's filter is at that place. Never:
 * touches another's filter, nor removes the clsact qdisc: others hang their filters into it, and an
 *        empty one costs nothing.
 */
#pragma once

#include "errors.h"
#include "owned.h"

#include <cstdint>
#include <memory>

/* 1 runs before all others; beside others at 1 the handle ("weir") tells ours. */
constexpr uint32_t kTcPriority = 1;
constexpr uint32_t kTcHandle = 0x77656972;

class TcFilter
{
      public:
	TcFilter(int ifindex, bpf_tc_attach_point point, std::shared_ptr<Fd> netns);
	~TcFilter();
	TcFilter(const TcFilter &) = delete;
	TcFilter &operator=(const TcFilter &) = delete;

	/* In the interface's namespace. A leftover is known by the name of any of the object's
	 * programs. */
	Fault Attach(const bpf_object *object, const bpf_program *program);

	/* What an earlier Weir left where this one stands by TCX link; in the interface's
	 * namespace. */
	static void RemoveLeftover(int ifindex, bpf_tc_attach_point point,
				   const bpf_object *object);

      private:
	Fault CheckLeftover(const bpf_object *object);

	bpf_tc_hook hook_;
	std::shared_ptr<Fd> netns_; /* a filter is found by netlink, so from inside */
	uint32_t program_ = 0;	    /* id of ours; 0: not attached */
};
