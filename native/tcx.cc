// SPDX-License-Identifier: Apache-2.0
/*
 * tcx.cc - a TCX link of Weir's (kernel 6.6 and newer).
 */
#include "tcx.h"

#include <algorithm>
#include <cerrno>
#include <sys/syscall.h>
#include <utility>

namespace
{
constexpr uint32_t kBefore = 1u << 3; /* BPF_F_BEFORE without a program: the head */
constexpr size_t kMaxPrograms = 64;   /* BPF_MPROG_MAX */

/* The query part of union bpf_attr in 6.6. */
struct QueryAttributes {
	uint32_t ifindex;
	uint32_t attach_type;
	uint32_t query_flags;
	uint32_t attach_flags;
	uint64_t programs;
	uint32_t count;
	uint32_t padding;
	uint64_t program_flags;
	uint64_t links;
	uint64_t link_flags;
	uint64_t revision;
};

std::string Where(int ifindex)
{
	return "interface " + std::to_string(ifindex);
}
} // namespace

Fault QueryTcx(int ifindex, bpf_attach_type hook, TcxList &list)
{
	QueryAttributes query{};

	list.programs.resize(kMaxPrograms);
	list.links.resize(kMaxPrograms);
	query.ifindex = static_cast<uint32_t>(ifindex);
	query.attach_type = hook;
	query.programs = reinterpret_cast<uintptr_t>(list.programs.data());
	query.links = reinterpret_cast<uintptr_t>(list.links.data());
	query.count = kMaxPrograms;
	if (syscall(SYS_bpf, BPF_PROG_QUERY, &query, sizeof(query)))
		return {errno, "bpf(BPF_PROG_QUERY)", Where(ifindex)};
	size_t count = std::min<size_t>(query.count, kMaxPrograms);
	list.programs.resize(count);
	list.links.resize(count);
	return {};
}

TcxHook::TcxHook(Presence &presence, const Placeholders &placeholders, int ifindex,
		 bpf_attach_type hook, const bpf_program *program)
    : presence_(presence), placeholders_(placeholders), ifindex_(ifindex), hook_(hook),
      program_(program)
{
}

Fault TcxHook::Attach()
{
	return Create(bpf_program__fd(program_));
}

/* A link to a program at the head of the hook. */
Fault TcxHook::Create(int program)
{
	auto options = Options<bpf_link_create_opts>();
	bpf_link_info info{};
	uint32_t size = sizeof(info);

	options.flags = kBefore;
	int fd = bpf_link_create(program, ifindex_, hook_, &options);
	if (fd < 0)
		return FaultOf(fd, "bpf(BPF_LINK_CREATE)", Where(ifindex_));
	link_.Reset(fd);
	int err = bpf_obj_get_info_by_fd(fd, &info, &size);
	number_ = info.id;
	return FaultOf(err, "bpf(BPF_OBJ_GET_INFO_BY_FD)", Where(ifindex_));
}

void TcxHook::Detach()
{
	link_.Reset();
}

/* A hook has a program once at most, so both links get a placeholder first. */
Fault TcxHook::TakeOver(TcxHook &old)
{
	const auto &[head, place] = placeholders_.Fds();

	if (Fault fault = Create(head))
		return fault;
	int err = bpf_link_update(old.link_.Get(), place, nullptr);
	if (!err)
		err = bpf_link_update(link_.Get(), bpf_program__fd(program_), nullptr);
	old.link_.Reset();
	return FaultOf(err, "bpf(BPF_LINK_UPDATE)", Where(ifindex_));
}

Fault TcxHook::Repair(HookState state)
{
	TcxHook fresh(presence_, placeholders_, ifindex_, hook_, program_);

	if (state != HookState::kNotFirst || !placeholders_)
		return Hook::Repair(state);
	Fault fault = fresh.TakeOver(*this);
	link_ = std::move(fresh.link_);
	number_ = fresh.number_;
	return fault;
}

Fault TcxHook::Check(HookState &state)
{
	TcxList list;
	bool weirs = false;

	if (Fault fault = QueryTcx(ifindex_, hook_, list))
		return fault;
	auto own = std::find(list.links.begin(), list.links.end(), number_);
	if (own == list.links.end()) {
		state = HookState::kDetached;
		return {};
	}
	auto place = static_cast<size_t>(own - list.links.begin());
	if (list.programs[place] != NumberOfProgram(bpf_program__fd(program_))) {
		state = HookState::kReplaced; /* the owner of a copy of the link updated it */
		return {};
	}
	list.programs.resize(place);
	Fault fault = presence_.AreWeirs(list.programs, weirs);
	state = weirs ? HookState::kAttached : HookState::kNotFirst;
	return fault;
}

Fd TcxHook::TakeLink()
{
	return std::move(link_);
}
