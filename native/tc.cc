// SPDX-License-Identifier: Apache-2.0
/*
 * tc.cc - a clsact filter of Weir's, for kernels without TCX.
 */
#include "tc.h"

#include "log.h"
#include "tcx.h"

#include <arpa/inet.h>
#include <cerrno>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <sys/random.h>
#include <vector>

namespace
{
constexpr uint32_t kPriority = 1; /* runs first */
const std::string kOwner = "weir/";
/* The kernel keeps names of filters up to this length (CLS_BPF_NAME_LEN). */
constexpr size_t kMaxName = 255;
constexpr int kTries = 8; /* of random handles */

struct Filter {
	uint32_t parent;
	uint32_t info; /* priority << 16 | protocol */
	uint32_t handle;
	uint32_t chain;
	std::string kind;
	std::string name;
};

uint32_t ParentOf(bpf_tc_attach_point point)
{
	uint32_t minor = point == BPF_TC_INGRESS ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS;

	return TC_H_MAKE(TC_H_CLSACT, minor);
}

tcmsg BodyOf(int ifindex, uint32_t parent, uint32_t info = 0, uint32_t handle = 0)
{
	tcmsg body{};

	body.tcm_family = AF_UNSPEC;
	body.tcm_ifindex = ifindex;
	body.tcm_parent = parent;
	body.tcm_info = info;
	body.tcm_handle = handle;
	return body;
}

uint32_t OwnInfo()
{
	return TC_H_MAKE(kPriority << 16, htons(ETH_P_ALL));
}

Filter ReadFilter(const nlmsghdr &message)
{
	const auto *body = static_cast<const tcmsg *>(NLMSG_DATA(&message));
	Filter filter{body->tcm_parent, body->tcm_info, body->tcm_handle, 0, {}, {}};

	ForEachAttribute(TCA_RTA(body), static_cast<int>(TCA_PAYLOAD(&message)),
			 [&](const rtattr &attribute) {
				 if (attribute.rta_type == TCA_KIND)
					 filter.kind = TextOf(attribute);
				 if (attribute.rta_type == TCA_CHAIN)
					 filter.chain = NumberOf(attribute);
				 if ((attribute.rta_type & NLA_TYPE_MASK) != TCA_OPTIONS)
					 return;
				 ForEachAttribute(static_cast<const rtattr *>(RTA_DATA(&attribute)),
						  static_cast<int>(RTA_PAYLOAD(&attribute)),
						  [&](const rtattr &option) {
							  if (option.rta_type == TCA_BPF_NAME)
								  filter.name = TextOf(option);
						  });
			 });
	if (filter.kind != "bpf")
		filter.name.clear(); /* options of other kinds have other numbers */
	return filter;
}

/* The filters that packets meet on a hook, in their order. Those of other chains run only when a
 * filter of chain 0 asks for it. */
Fault ListFilters(RouteSocket &route, int ifindex, uint32_t parent, std::vector<Filter> &filters)
{
	TcMessage request(RTM_GETTFILTER, NLM_F_DUMP, BodyOf(ifindex, parent));

	return route.Request(request, "dump of tc filters", [&](const nlmsghdr &message) {
		if (message.nlmsg_type != RTM_NEWTFILTER)
			return;
		Filter filter = ReadFilter(message);
		/* the entry of the priority itself has no handle */
		if (filter.handle != 0 && filter.chain == 0)
			filters.push_back(std::move(filter));
	});
}

Fault RemoveFilter(RouteSocket &route, int ifindex, const Filter &filter)
{
	tcmsg body = BodyOf(ifindex, filter.parent, filter.info, filter.handle);
	TcMessage request(RTM_DELTFILTER, NLM_F_ACK, body);

	request.Add(TCA_KIND, filter.kind);
	return route.Request(request, "removal of a tc filter");
}

bool IsWeirs(const Filter &filter)
{
	return filter.name.compare(0, kOwner.size(), kOwner) == 0;
}

/* weir/INSTANCE/PROGRAM */
std::string InstanceOf(const Filter &filter)
{
	size_t slash = filter.name.find('/', kOwner.size());

	return filter.name.substr(kOwner.size(), slash - kOwner.size());
}

uint32_t RandomHandle()
{
	uint32_t handle = 0;

	while (handle == 0)
		(void)!getrandom(&handle, sizeof(handle), 0);
	return handle;
}
} // namespace

TcHook::TcHook(RouteSocket &route, Presence &presence, const std::string &instance, int ifindex,
	       bpf_tc_attach_point point, const bpf_program *program)
    : route_(route), presence_(presence), ifindex_(ifindex), point_(point), program_(program)
{
	name_ = kOwner + instance + "/" + bpf_program__name(program);
	name_.resize(std::min(name_.size(), kMaxName));
}

Fault TcHook::Attach()
{
	auto hook = Options<bpf_tc_hook>();
	Log log; /* keeps libbpf silent */

	hook.ifindex = ifindex_;
	hook.attach_point = point_;
	int err = bpf_tc_hook_create(&hook);
	if (err && err != -EEXIST)
		return FaultOf(err, "clsact", "interface " + std::to_string(ifindex_));
	/* A qdisc `ingress` takes filters for egress, too, and runs them on ingress. */
	bool clsact = true;
	Fault fault = err ? HasQdisc(clsact) : Fault{};
	if (!clsact)
		return {EEXIST, "clsact",
			"interface " + std::to_string(ifindex_) +
			    ", a qdisc of another kind, e.g. `ingress`, has its place"};
	if (!fault)
		fault = Add();
	/* another filter of this priority has the handle */
	for (int tries = 1; fault.err == EEXIST && tries < kTries; tries++)
		fault = Add();
	if (fault)
		handle_ = 0;
	return fault;
}

Fault TcHook::Add()
{
	handle_ = RandomHandle();
	TcMessage request(RTM_NEWTFILTER, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
			  BodyOf(ifindex_, ParentOf(point_), OwnInfo(), handle_));
	request.Add(TCA_KIND, std::string("bpf"));
	size_t options = request.Begin(TCA_OPTIONS);
	request.Add(TCA_BPF_FD, static_cast<uint32_t>(bpf_program__fd(program_)));
	request.Add(TCA_BPF_NAME, name_);
	request.Add(TCA_BPF_FLAGS, static_cast<uint32_t>(TCA_BPF_FLAG_ACT_DIRECT));
	request.End(options);
	Fault fault = route_.Request(request, "tc filter");
	fault.detail = "interface " + std::to_string(ifindex_) + ", priority " +
		       std::to_string(kPriority) + fault.detail;
	return fault;
}

void TcHook::Detach()
{
	std::vector<Filter> filters;

	/* a failure here means that the filter is already gone with its interface or qdisc */
	if (handle_ == 0 || ListFilters(route_, ifindex_, ParentOf(point_), filters))
		return;
	for (const Filter &filter : filters)
		if (filter.handle == handle_ && filter.name == name_)
			(void)RemoveFilter(route_, ifindex_, filter);
	handle_ = 0;
}

Fault TcHook::Check(HookState &state)
{
	std::vector<Filter> filters;
	bool first = true;
	bool tcx = false;
	bool qdisc = false;

	if (Fault fault = ListFilters(route_, ifindex_, ParentOf(point_), filters))
		return fault;
	for (const Filter &filter : filters) {
		if (filter.handle == handle_ && filter.info == OwnInfo()) {
			Fault fault = FindTcx(tcx);
			state = filter.name != name_ ? HookState::kReplaced
				: !first	     ? HookState::kNotFirst
				: tcx		     ? HookState::kBehind
						     : HookState::kAttached;
			return fault;
		}
		first = first && IsWeirs(filter);
	}
	Fault fault = HasQdisc(qdisc);
	state = qdisc ? HookState::kDetached : HookState::kQdiscDeleted;
	return fault;
}

/* Whether another owner's TCX program runs before all filters. */
Fault TcHook::FindTcx(bool &found)
{
	TcxList list;
	bool weirs = true;
	Fault fault = QueryTcx(ifindex_, point_ == BPF_TC_INGRESS ? kTcxIngress : kTcxEgress, list);

	if (fault.err == EINVAL)
		return {}; /* a kernel without TCX */
	if (!fault)
		fault = presence_.AreWeirs(list.programs, weirs);
	found = !weirs;
	return fault;
}

Fault TcHook::HasQdisc(bool &has)
{
	TcMessage request(RTM_GETQDISC, NLM_F_ACK, BodyOf(ifindex_, TC_H_CLSACT));

	request.Add(TCA_KIND, std::string("clsact"));
	Fault fault = route_.Request(request, "clsact");
	has = !fault;
	/* EINVAL: a qdisc of another kind, or the empty one that a deletion leaves */
	bool absent = fault.err == ENOENT || fault.err == EINVAL || fault.err == ENODEV;
	return absent ? Fault{} : fault;
}

Fault RemoveLeftovers(RouteSocket &route)
{
	std::vector<int> interfaces;
	Living living;
	TcMessage request(RTM_GETQDISC, NLM_F_DUMP, BodyOf(0, 0));

	Fault fault = route.Request(request, "dump of qdiscs", [&](const nlmsghdr &message) {
		const auto *body = static_cast<const tcmsg *>(NLMSG_DATA(&message));
		if (body->tcm_parent == TC_H_CLSACT)
			interfaces.push_back(body->tcm_ifindex);
	});
	if (fault.err == EOPNOTSUPP)
		return {}; /* a kernel without traffic control */
	if (!fault && !interfaces.empty())
		fault = FindLiving(living);
	if (fault)
		return fault;
	for (int ifindex : interfaces) {
		std::vector<Filter> filters;
		(void)ListFilters(route, ifindex, ParentOf(BPF_TC_INGRESS), filters);
		(void)ListFilters(route, ifindex, ParentOf(BPF_TC_EGRESS), filters);
		/* errors: the interface was deleted meanwhile */
		for (const Filter &filter : filters)
			if (IsWeirs(filter) && !living.instances.count(InstanceOf(filter)))
				(void)RemoveFilter(route, ifindex, filter);
	}
	return {};
}
