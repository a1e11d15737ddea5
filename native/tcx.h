/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcx.h - a TCX link of Weir's (kernel 6.6 and newer).
 *
 * Out:   the program at the head of the hook, before those that drop or redirect packets. Programs
 *        of other Weirs may run before it: they pass every packet on.
 * Fail:  attaching and detaching wait for an RCU grace period each, with the network configuration
 *        locked (kernel/bpf/tcx.c, tcx_entry_sync): 22 ms. Taking another place on the hook does not
 *        interrupt counting for that long: see TakeOver().
 */
#pragma once

#include "hook.h"
#include "placeholder.h"
#include "presence.h"

#include <vector>

/* include/uapi/linux/bpf.h of 6.6; libbpf 1.1 and its headers are older. */
constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);
constexpr auto kTcxEgress = static_cast<bpf_attach_type>(47);

/* Numbers of the programs on a hook, in the order in which they run, and of their links: 0 for a
 * program that was attached without one. */
struct TcxList {
	std::vector<uint32_t> programs;
	std::vector<uint32_t> links;
};

/* EINVAL where the kernel has no TCX. */
Fault QueryTcx(int ifindex, bpf_attach_type hook, TcxList &list);

class TcxHook : public Hook
{
      public:
	TcxHook(Presence &presence, const Placeholders &placeholders, int ifindex,
		bpf_attach_type hook, const bpf_program *program);
	Fault Attach() override;
	/* Attaches in the place of `old`, which is detached: the program changes its link between two
	 * system calls. No packet meets it twice; one that arrives between the calls does not meet it. */
	Fault TakeOver(TcxHook &old);
	void Detach() override;
	Fault Check(HookState &state) override;
	Fault Repair(HookState state) override;
	Fd TakeLink() override;

      private:
	Fault Create(int program);

	Presence &presence_;
	const Placeholders &placeholders_;
	int ifindex_;
	bpf_attach_type hook_;
	const bpf_program *program_;
	Fd link_;
	uint32_t number_ = 0; /* of the link */
};
