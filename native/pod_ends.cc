// SPDX-License-Identifier: Apache-2.0
/*
 * pod_ends.cc - TCX links in the network namespaces of pods.
 */
#include "pod_ends.h"

#include "background_close.h"
#include "netns.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <iterator>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <utility>

namespace
{
/* BPF_TCX_INGRESS and BPF_TCX_EGRESS of 6.6 */
constexpr std::array kPodEndHooks{static_cast<bpf_attach_type>(46),
				  static_cast<bpf_attach_type>(47)};
constexpr uint32_t kPodEndFlags = 1u << 3; /* BPF_F_BEFORE */
constexpr int kNoId = -1;

/* RTM_GETNSID with the namespace as a file descriptor. */
struct Request {
	nlmsghdr header;
	rtgenmsg message;
	uint8_t padding[3];
	rtattr attribute;
	uint32_t fd;
};

/* `answer` starts with a nlmsghdr. */
int IdIn(const uint8_t *answer, size_t size)
{
	auto header = reinterpret_cast<const nlmsghdr *>(answer);

	if (size < NLMSG_LENGTH(sizeof(rtgenmsg)) || header->nlmsg_type != RTM_NEWNSID ||
	    header->nlmsg_len > size)
		return kNoId;
	auto attribute = reinterpret_cast<const rtattr *>(answer + NLMSG_SPACE(sizeof(rtgenmsg)));
	int left = static_cast<int>(header->nlmsg_len - NLMSG_SPACE(sizeof(rtgenmsg)));
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		if (attribute->rta_type == NETNSA_NSID)
			return *static_cast<const int *>(RTA_DATA(attribute));
	}
	return kNoId;
}

int IdOf(int socket, const std::string &path)
{
	Fd netns(open(path.c_str(), O_RDONLY | O_CLOEXEC));
	Request request{};
	alignas(nlmsghdr) uint8_t answer[512];

	request.header.nlmsg_len = sizeof(request);
	request.header.nlmsg_type = RTM_GETNSID;
	request.header.nlmsg_flags = NLM_F_REQUEST;
	request.attribute.rta_len = RTA_LENGTH(sizeof(request.fd));
	request.attribute.rta_type = NETNSA_FD;
	request.fd = static_cast<uint32_t>(netns.Get());
	if (!netns || send(socket, &request, sizeof(request), 0) < 0)
		return kNoId;
	ssize_t size = recv(socket, answer, sizeof(answer), 0);
	return size < 0 ? kNoId : IdIn(answer, static_cast<size_t>(size));
}
} // namespace

Fault PodEnds::Attach(uint32_t number, const std::string &netns, int ifindex,
		      const std::vector<Fd> &programs)
{
	auto options = Options<bpf_link_create_opts>();
	std::vector<Fd> links;
	NetnsScope scope;

	if (Fault fault = scope.Enter(netns))
		return fault;
	options.flags = kPodEndFlags;
	/* without the lock, so that Detach() does not wait for the kernel */
	for (size_t i = 0; i < programs.size(); i++) {
		int link =
		    bpf_link_create(programs[i].Get(), ifindex, kPodEndHooks.at(i), &options);
		if (link < 0)
			return FaultOf(link, "bpf(BPF_LINK_CREATE)",
				       "interface " + std::to_string(ifindex) + " of " + netns);
		links.emplace_back(link);
	}
	std::lock_guard<std::mutex> lock(mutex_);
	if (closed_)
		return {ECANCELED, "attachPodEnd", "the object is closed"};
	if (!links_.emplace(number, std::move(links)).second)
		return {EEXIST, "attachPodEnd", std::to_string(number) + " is attached"};
	return {};
}

void PodEnds::Detach(uint32_t number)
{
	std::unique_lock<std::mutex> lock(mutex_);
	auto links = links_.extract(number);

	lock.unlock(); /* closing blocks */
}

bool PodEnds::IsAttached(uint32_t number)
{
	std::lock_guard<std::mutex> lock(mutex_);
	auto found = links_.find(number);

	if (found == links_.end())
		return false;
	return std::all_of(found->second.begin(), found->second.end(), [](const Fd &link) {
		bpf_link_info info{};
		uint32_t size = sizeof(info);

		/* the interface's number is where that of an XDP link is; 0: none any more */
		return !bpf_obj_get_info_by_fd(link.Get(), &info, &size) && info.xdp.ifindex != 0;
	});
}

void PodEnds::Close()
{
	std::lock_guard<std::mutex> lock(mutex_);

	std::vector<Fd> links;

	closed_ = true;
	for (auto &[number, own] : links_)
		std::move(own.begin(), own.end(), std::back_inserter(links));
	links_.clear();
	CloseInBackground(std::move(links));
}

Napi::Value NetnsIds(const Napi::CallbackInfo &info)
{
	auto paths = info[0].As<Napi::Array>();
	auto ids = Napi::Int32Array::New(info.Env(), paths.Length());
	Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));

	if (!socket)
		return Throw(info.Env(), {errno, "socket", {}});
	for (uint32_t i = 0; i < paths.Length(); i++)
		ids[i] = IdOf(socket.Get(), paths.Get(i).As<Napi::String>().Utf8Value());
	return ids;
}
