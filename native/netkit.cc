// SPDX-License-Identifier: Apache-2.0
/*
 * netkit.cc - what a pod sends through a netkit device (kernel 6.7 and newer).
 */
#include "netkit.h"

#include <algorithm>
#include <cerrno>

namespace
{
/* BPF_NETKIT_PEER of 6.7: the hook of what the peer of the primary device transmits. */
constexpr auto kNetkitPeer = static_cast<bpf_attach_type>(55);
} // namespace

bool IsNetkit(int ifindex)
{
	TcxList list;

	/* EINVAL: no netkit in this kernel; ENXIO: another kind; EACCES: the peer of a pair */
	return !QueryTcx(ifindex, kNetkitPeer, list);
}

NetkitHook::NetkitHook(Presence &presence, const Placeholders &placeholders, int ifindex,
		       const bpf_program *program)
    : presence_(presence), placeholders_(placeholders), ifindex_(ifindex), program_(program)
{
}

/* For the hook where the program belongs now. */
std::unique_ptr<TcxHook> NetkitHook::MakeLink() const
{
	bpf_attach_type hook = at_device_ ? kNetkitPeer : kTcxIngress;

	return std::make_unique<TcxHook>(presence_, placeholders_, ifindex_, hook, program_);
}

Fault NetkitHook::Attach()
{
	if (Fault fault = FindOther(at_device_))
		return fault;
	link_ = MakeLink();
	return link_->Attach();
}

Fault NetkitHook::Repair(HookState state)
{
	if (state != HookState::kNotFirst || !link_ || !placeholders_)
		return Hook::Repair(state);
	if (Fault fault = FindOther(at_device_))
		return fault;
	std::unique_ptr<TcxHook> fresh = MakeLink();
	Fault fault = fresh->TakeOver(*link_);
	link_ = std::move(fresh);
	return fault;
}

void NetkitHook::Detach()
{
	link_.reset();
}

Fault NetkitHook::Check(HookState &state)
{
	bool other = false;

	state = HookState::kDetached;
	if (!link_)
		return {};
	if (Fault fault = FindOther(other)) /* ENXIO, EACCES: another device by now */
		return fault.err == ENXIO || fault.err == EACCES ? Fault{} : fault;
	if (at_device_ && !other) /* leaves the hook, without a limit of attempts */
		return {};
	if (Fault fault = link_->Check(state))
		return fault;
	if (state == HookState::kAttached && other && !at_device_)
		state = HookState::kNotFirst;
	return {};
}

Fd NetkitHook::TakeLink()
{
	return link_ ? link_->TakeLink() : Fd();
}

/* Whether a program of another owner is on the device's hook. */
Fault NetkitHook::FindOther(bool &found)
{
	TcxList list;
	Fault fault = QueryTcx(ifindex_, kNetkitPeer, list);
	const auto &programs = list.programs;

	found = !fault && other_ != 0 &&
		std::find(programs.begin(), programs.end(), other_) != programs.end();
	for (size_t i = 0; !fault && !found && i < programs.size(); i++) {
		bool weirs = true;
		fault = presence_.AreWeirs({programs[i]}, weirs);
		found = !fault && !weirs;
		other_ = found ? programs[i] : 0;
	}
	return fault;
}
