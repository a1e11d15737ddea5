/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netkit.h - what a pod sends through a netkit device (kernel 6.7 and newer).
 *
 * A netkit device runs the programs of its own hook as the pod transmits. Packets that these redirect
 * or drop never reach the TCX hook.
 *
 * In:    the host's device, where that is the primary one of the pair.
 * Out:   while another owner's program is on the device's peer hook, Weir's program is there too, at
 *        the head: skb->dev is the host's device by then. Otherwise Weir's program is at TCX ingress.
 * Never: is alone on the device's hook for longer than a check interval. Any program there, even one
 *        that passes all packets on, overrides the policy of the device: `blackhole` would be open.
 */
#pragma once

#include "hook.h"
#include "presence.h"
#include "tcx.h"

#include <memory>

/* Whether an interface is the primary device of a netkit pair. */
bool IsNetkit(int ifindex);

class NetkitHook : public Hook
{
      public:
	NetkitHook(Presence &presence, const Placeholders &placeholders, int ifindex,
		   const bpf_program *program);
	Fault Attach() override;
	void Detach() override;
	Fault Check(HookState &state) override;
	Fault Repair(HookState state) override;
	Fd TakeLink() override;

      private:
	Fault FindOther(bool &found);
	std::unique_ptr<TcxHook> MakeLink() const;

	Presence &presence_;
	const Placeholders &placeholders_;
	int ifindex_;
	const bpf_program *program_;
	std::unique_ptr<TcxHook> link_;
	bool at_device_ = false; /* on the device's own hook */
	uint32_t other_ = 0;	 /* number of another owner's program there */
};
