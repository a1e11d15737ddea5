// SPDX-License-Identifier: Apache-2.0
/*
 * attach.cc - attaches an object's programs to interfaces and tracepoints, and checks that they stay.
 */
#include "attach.h"

#include "background_close.h"
#include "netkit.h"
#include "tc.h"
#include "tcx.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <utility>

namespace
{
const Fault kClosed{ECANCELED, "attach", "the object is closed"};

void DetachBoth(const std::array<std::unique_ptr<Hook>, 2> &hooks)
{
	for (const auto &hook : hooks)
		hook->Detach();
}
} // namespace

Attachments::Attachments(const bpf_object *object)
{
	bpf_program *program = nullptr;

	while ((program = bpf_object__next_program(object, program)))
		if (bpf_program__autoload(program) &&
		    bpf_program__type(program) == BPF_PROG_TYPE_SCHED_CLS)
			programs_.push_back(NumberOfProgram(bpf_program__fd(program)));
	for (int fd : placeholders_.Fds())
		programs_.push_back(NumberOfProgram(fd));
}

Attachments::~Attachments()
{
	Close();
}

Fault Attachments::Attach(const Location &location, const ProgramPair &programs, Mode &mode)
{
	std::lock_guard<std::mutex> lock(mutex_);
	NetnsScope scope;
	Namespace *netns = nullptr;
	Hooks hooks;

	if (Fault fault = Enter(location.netns, scope, netns))
		return fault;
	Key key{location.netns, location.ifindex};
	if (interfaces_.count(key))
		return {EEXIST, "attach",
			"interface " + std::to_string(location.ifindex) + " is already attached"};
	if (mode == Mode::kAuto)
		mode = has_tcx_.value_or(true) ? Mode::kTcx : Mode::kTc;
	else if (mode == Mode::kTcx)
		has_tcx_ = true; /* requested: no fallback, so that the error is reported */
	Fault fault = mode == Mode::kTcx ? AttachLinks(*netns, location, programs, hooks) : Fault{};
	if (mode == Mode::kTcx && !has_tcx_.value_or(true)) {
		mode = Mode::kTc;
		fault = {};
	}
	if (!fault && mode == Mode::kTc)
		fault = AttachFilters(*netns, location, programs, hooks);
	if (!fault)
		interfaces_.emplace(key, std::move(hooks));
	return fault;
}

/* Enters the namespace of `path`, unless that is empty, and makes what Weir needs there. */
Fault Attachments::Enter(const std::string &path, NetnsScope &scope, Namespace *&netns)
{
	auto known = namespaces_.find(path);

	if (closed_)
		return kClosed;
	if (known == namespaces_.end()) {
		if (Fault fault = Open(path, scope))
			return fault;
		known = namespaces_.find(path);
	} else if (known->second.netns) {
		if (Fault fault = scope.Enter(known->second.netns.Get()))
			return fault;
	}
	netns = &known->second;
	return {};
}

Fault Attachments::Open(const std::string &path, NetnsScope &scope)
{
	Namespace fresh;

	if (!path.empty()) {
		fresh.netns.Reset(open(path.c_str(), O_RDONLY | O_CLOEXEC));
		if (!fresh.netns)
			return {errno, "open", path};
		if (Fault fault = scope.Enter(fresh.netns.Get()))
			return fault;
	}
	Fault fault = fresh.route.Open();
	if (!fault)
		fault = fresh.presence.Announce(instance_, programs_);
	if (!fault)
		fault = RemoveLeftovers(fresh.route);
	if (!fault)
		namespaces_.emplace(path, std::move(fresh));
	return fault;
}

Fault Attachments::AttachLinks(Namespace &netns, const Location &location,
			       const ProgramPair &programs, Hooks &hooks)
{
	auto hook = [&](bpf_attach_type type, const bpf_program *program) {
		return std::make_unique<TcxHook>(netns.presence, placeholders_, location.ifindex,
						 type, program);
	};

	hooks = {hook(kTcxIngress, programs.ingress), hook(kTcxEgress, programs.egress)};
	if (IsNetkit(location.ifindex))
		hooks[0] = std::make_unique<NetkitHook>(netns.presence, placeholders_,
							location.ifindex, programs.ingress);
	Fault fault = hooks[0]->Attach();
	/* A kernel without TCX refuses the attach type. One with TCX never fails the first link
	 * with these errors. */
	if (!has_tcx_ && (!fault || fault.err == EINVAL || fault.err == EOPNOTSUPP))
		has_tcx_ = !fault;
	return fault ? fault : hooks[1]->Attach();
}

Fault Attachments::AttachFilters(Namespace &netns, const Location &location,
				 const ProgramPair &programs, Hooks &hooks)
{
	auto hook = [&](bpf_tc_attach_point point, const bpf_program *program) {
		return std::make_unique<TcHook>(netns.route, netns.presence, instance_,
						location.ifindex, point, program);
	};

	hooks = {hook(BPF_TC_INGRESS, programs.ingress), hook(BPF_TC_EGRESS, programs.egress)};
	return AttachBoth(hooks);
}

Fault Attachments::AttachBoth(Hooks &hooks)
{
	Fault fault;

	for (auto hook = hooks.begin(); !fault && hook != hooks.end(); hook++)
		fault = (*hook)->Attach();
	if (fault)
		DetachBoth(hooks);
	return fault;
}

Fault Attachments::Repair(const Location &location)
{
	std::lock_guard<std::mutex> lock(mutex_);
	NetnsScope scope;
	Namespace *netns = nullptr;
	Fault fault = Enter(location.netns, scope, netns);
	auto found = interfaces_.find({location.netns, location.ifindex});

	if (fault)
		return fault;
	if (found == interfaces_.end())
		return {ENOENT, "attach",
			"interface " + std::to_string(location.ifindex) + " is not attached"};
	for (auto &hook : found->second) {
		HookState state = HookState::kDetached;
		fault = fault ? fault : hook->Check(state);
		if (fault || state == HookState::kAttached || state == HookState::kBehind)
			continue;
		fault = hook->Repair(state);
	}
	if (!fault)
		return {};
	DetachBoth(found->second);
	interfaces_.erase(found);
	return fault;
}

Fault Attachments::Check(const std::string &path, const std::vector<int> &interfaces,
			 std::vector<HookState> &states)
{
	std::lock_guard<std::mutex> lock(mutex_);
	NetnsScope scope;
	Namespace *netns = nullptr;
	Fault first;
	size_t failed = 0;

	if (Fault fault = Enter(path, scope, netns))
		return fault;
	for (int ifindex : interfaces) {
		auto found = interfaces_.find({path, ifindex});
		states.push_back(found == interfaces_.end() ? HookState::kDetached
							    : HookState::kAttached);
		if (found == interfaces_.end())
			continue;
		/* the first bad state of the two hooks */
		for (auto hook = found->second.begin();
		     hook != found->second.end() && states.back() == HookState::kAttached; hook++) {
			Fault fault = (*hook)->Check(states.back());
			if (fault.err == ENODEV) {
				states.back() = HookState::kDetached;
			} else if (fault) {
				states.back() = HookState::kUnchecked;
				failed++;
				first = first ? first : fault;
			}
		}
	}
	return failed == interfaces.size() ? first : Fault{};
}

Fault Attachments::Detach(const Location &location)
{
	std::lock_guard<std::mutex> lock(mutex_);
	NetnsScope scope;
	Namespace *netns = nullptr;
	auto found = interfaces_.find({location.netns, location.ifindex});

	if (closed_ || found == interfaces_.end())
		return {};
	if (Fault fault = Enter(location.netns, scope, netns))
		return fault;
	DetachBoth(found->second);
	interfaces_.erase(found);
	return {};
}

Fault Attachments::Trace(const bpf_program *program)
{
	std::lock_guard<std::mutex> lock(mutex_);
	const char *name = bpf_program__name(program);

	if (closed_)
		return kClosed;
	if (tracing_.count(program))
		return {EEXIST, "attach",
			std::string("program '") + name + "' is already attached"};
	LinkPtr link(bpf_program__attach(program));
	if (!link)
		return {errno, "bpf(BPF_RAW_TRACEPOINT_OPEN)", name};
	tracing_.emplace(program, std::move(link));
	return {};
}

void Attachments::Close()
{
	std::lock_guard<std::mutex> lock(mutex_);
	std::vector<Fd> links;

	closed_ = true;
	for (auto &[key, hooks] : interfaces_) {
		NetnsScope scope;
		const Namespace &netns = namespaces_.at(key.first);
		for (auto &hook : hooks) {
			if (Fd link = hook->TakeLink())
				links.push_back(std::move(link));
		}
		/* a failure to enter leaves filters, which the next start removes */
		if (!netns.netns || !scope.Enter(netns.netns.Get()))
			DetachBoth(hooks);
	}
	interfaces_.clear();
	CloseInBackground(std::move(links));
	namespaces_.clear();
	tracing_.clear();
	placeholders_.Close();
}
