// SPDX-License-Identifier: Apache-2.0
/*
 * tc.cc - a clsact filter of Weir's, for kernels without TCX.
 */
#include "tc.h"

#include "log.h"
#include "netns.h"

#include <cerrno>
#include <cstring>
#include <utility>

namespace
{
bpf_tc_opts OwnPlace()
{
	auto place = Options<bpf_tc_opts>();

	place.priority = kTcPriority;
	place.handle = kTcHandle;
	return place;
}

/* The kernel keeps 15 characters of a program's name. */
std::string NameOf(uint32_t id)
{
	Fd program(bpf_prog_get_fd_by_id(id));
	bpf_prog_info info{};
	uint32_t size = sizeof(info);

	if (!program || bpf_obj_get_info_by_fd(program.Get(), &info, &size))
		return {};
	return info.name;
}

bool HasProgram(const bpf_object *object, const std::string &kernel_name)
{
	bpf_program *program = nullptr;

	while ((program = bpf_object__next_program(object, program)))
		if (std::string(bpf_program__name(program)).substr(0, BPF_OBJ_NAME_LEN - 1) ==
		    kernel_name)
			return true;
	return false;
}
} // namespace

TcFilter::TcFilter(int ifindex, bpf_tc_attach_point point, std::shared_ptr<Fd> netns)
    : hook_(Options<bpf_tc_hook>()), netns_(std::move(netns))
{
	hook_.ifindex = ifindex;
	hook_.attach_point = point;
}

TcFilter::~TcFilter()
{
	NetnsScope scope;
	auto found = OwnPlace();
	auto place = OwnPlace();

	/* a failure here means that the filter is already gone: replaced, or deleted with its
	 * interface */
	if (!program_ || scope.Enter(netns_->Get()) || bpf_tc_query(&hook_, &found))
		return;
	if (found.prog_id == program_)
		bpf_tc_detach(&hook_, &place);
}

Fault TcFilter::Attach(const bpf_object *object, const bpf_program *program)
{
	std::string where = "interface " + std::to_string(hook_.ifindex);
	auto place = OwnPlace();

	if (int err = bpf_tc_hook_create(&hook_); err && err != -EEXIST)
		return FaultOf(err, "clsact", where);
	Log log; /* for the kernel's error message */
	place.prog_fd = bpf_program__fd(program);
	int err = bpf_tc_attach(&hook_, &place);
	if (err == -EEXIST) {
		if (Fault fault = CheckLeftover(object))
			return fault;
		place = OwnPlace();
		place.prog_fd = bpf_program__fd(program);
		place.flags = BPF_TC_F_REPLACE;
		err = bpf_tc_attach(&hook_, &place);
	}
	program_ = err ? 0 : place.prog_id;
	return FaultOf(err, "tc filter",
		       where + ", priority " + std::to_string(kTcPriority) + "\n" + log.Tail());
}

Fault TcFilter::CheckLeftover(const bpf_object *object)
{
	auto found = OwnPlace();

	if (int err = bpf_tc_query(&hook_, &found))
		return FaultOf(err, "tc filter", "interface " + std::to_string(hook_.ifindex));
	std::string name = NameOf(found.prog_id);
	if (HasProgram(object, name))
		return {};
	return {EEXIST, "tc filter",
		"interface " + std::to_string(hook_.ifindex) + ": program '" + name +
		    "' already uses Weir's priority " + std::to_string(kTcPriority) +
		    " and handle"};
}

void TcFilter::RemoveLeftover(int ifindex, bpf_tc_attach_point point, const bpf_object *object)
{
	auto hook = Options<bpf_tc_hook>();
	auto found = OwnPlace();
	auto place = OwnPlace();

	hook.ifindex = ifindex;
	hook.attach_point = point;
	/* Errors are ignored: most interfaces have no clsact, and a leftover only costs time. */
	if (!bpf_tc_query(&hook, &found) && HasProgram(object, NameOf(found.prog_id)))
		bpf_tc_detach(&hook, &place);
}
