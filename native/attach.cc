// SPDX-License-Identifier: Apache-2.0
/*
 * attach.cc - attaches an object's programs to interfaces and tracepoints.
 */
#include "attach.h"

#include "netns.h"

#include <cerrno>
#include <utility>

namespace
{
/* include/uapi/linux/bpf.h of 6.6; libbpf 1.1 and its headers are older. */
constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);
constexpr auto kTcxEgress = static_cast<bpf_attach_type>(47);
constexpr uint32_t kBefore = 1u << 3; /* BPF_F_BEFORE without a program: the head */

Fault LinkTcx(const bpf_program *program, int ifindex, bpf_attach_type hook, Fd &link)
{
	auto options = Options<bpf_link_create_opts>();
	options.flags = kBefore;
	int fd = bpf_link_create(bpf_program__fd(program), ifindex, hook, &options);

	if (fd < 0)
		return FaultOf(fd, "bpf(BPF_LINK_CREATE)", "interface " + std::to_string(ifindex));
	link.Reset(fd);
	return {};
}
} // namespace

Fault Attachments::Attach(const Hooks &hooks, Mode &mode)
{
	Fd netns;
	Interface interface;
	ino_t number;

	if (Fault fault = CurrentNetns(netns, number))
		return fault;
	Key key{number, hooks.ifindex};
	if (interfaces_.count(key))
		return {EEXIST, "attach",
			"interface " + std::to_string(hooks.ifindex) + " is already attached"};
	if (mode == Mode::kAuto)
		mode = has_tcx_.value_or(true) ? Mode::kTcx : Mode::kTc;
	else if (mode == Mode::kTcx)
		has_tcx_ = true; /* requested: no fallback, so that the error is reported */
	Fault fault = mode == Mode::kTcx ? AttachLinks(hooks, interface) : Fault{};
	if (mode == Mode::kTcx && !has_tcx_.value_or(true)) {
		mode = Mode::kTc;
		fault = {};
	}
	if (!fault && mode == Mode::kTc)
		fault = AttachFilters(hooks, std::move(netns), interface);
	if (!fault)
		interfaces_.emplace(key, std::move(interface));
	return fault;
}

Fault Attachments::AttachLinks(const Hooks &hooks, Interface &interface)
{
	Fault fault = LinkTcx(hooks.ingress, hooks.ifindex, kTcxIngress, interface.ingress_link);

	/* A kernel without TCX refuses the attach type. One with TCX never fails the first link
	 * with these errors. */
	if (!has_tcx_ && (!fault || fault.err == EINVAL || fault.err == EOPNOTSUPP))
		has_tcx_ = !fault;
	if (fault)
		return fault;
	fault = LinkTcx(hooks.egress, hooks.ifindex, kTcxEgress, interface.egress_link);
	if (fault)
		return fault;
	TcFilter::RemoveLeftover(hooks.ifindex, BPF_TC_INGRESS, hooks.object);
	TcFilter::RemoveLeftover(hooks.ifindex, BPF_TC_EGRESS, hooks.object);
	return {};
}

Fault Attachments::AttachFilters(const Hooks &hooks, Fd netns, Interface &interface)
{
	auto home = std::make_shared<Fd>(std::move(netns));

	interface.ingress_filter = std::make_unique<TcFilter>(hooks.ifindex, BPF_TC_INGRESS, home);
	interface.egress_filter = std::make_unique<TcFilter>(hooks.ifindex, BPF_TC_EGRESS, home);
	if (Fault fault = interface.ingress_filter->Attach(hooks.object, hooks.ingress))
		return fault;
	return interface.egress_filter->Attach(hooks.object, hooks.egress);
}

Fault Attachments::Detach(int ifindex)
{
	Fd netns;
	ino_t number;

	if (Fault fault = CurrentNetns(netns, number))
		return fault;
	interfaces_.erase({number, ifindex});
	return {};
}

Fault Attachments::Trace(const bpf_program *program)
{
	const char *name = bpf_program__name(program);

	if (tracing_.count(program))
		return {EEXIST, "attach",
			std::string("program '") + name + "' is already attached"};
	LinkPtr link(bpf_program__attach(program));
	if (!link)
		return {errno, "bpf(BPF_RAW_TRACEPOINT_OPEN)", name};
	tracing_.emplace(program, std::move(link));
	return {};
}

void Attachments::Clear()
{
	interfaces_.clear();
	tracing_.clear();
}
