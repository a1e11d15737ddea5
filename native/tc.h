/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tc.h - a clsact filter of Weir's, for kernels without TCX.
 *
 * Out:   the program first at priority 1, as a filter named `weir/INSTANCE/PROGRAM` with a random
 *        handle. Of one priority the kernel runs the newest filter first.
 * Fail:  the kernel's error, with its text, when priority 1 belongs to another kind of filter.
 * Never: touches the filters of others, or those of a Weir that lives. Never removes the clsact
 *        qdisc: others may have filters in it, and an empty one costs nothing.
 */
#pragma once

#include "hook.h"
#include "presence.h"
#include "route_socket.h"

class TcHook : public Hook
{
      public:
	/* `route` and `presence` are those of the interface's namespace. */
	TcHook(RouteSocket &route, Presence &presence, const std::string &instance, int ifindex,
	       bpf_tc_attach_point point, const bpf_program *program);
	Fault Attach() override;
	void Detach() override;
	Fault Check(HookState &state) override;

      private:
	Fault Add();
	Fault FindTcx(bool &found);
	Fault HasQdisc(bool &has);

	RouteSocket &route_;
	Presence &presence_;
	std::string name_;
	int ifindex_;
	bpf_tc_attach_point point_;
	const bpf_program *program_;
	uint32_t handle_ = 0; /* 0: not attached */
};

/* Removes the filters of Weirs that no longer live from all interfaces of the namespace. */
Fault RemoveLeftovers(RouteSocket &route);
