// SPDX-License-Identifier: Apache-2.0
/*
 * namespaces.cc - the interfaces and addresses in other network namespaces, read once.
 */
#include "namespaces.h"

#include "job.h"
#include "netns.h"
#include "owned.h"
#include "route_socket.h"

#include <cerrno>
#include <fcntl.h>
#include <linux/net_namespace.h>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <vector>

namespace
{
constexpr const char *kCallersNetns = "/proc/thread-self/ns/net";
constexpr const char *kReadNamespaces = "readNamespaces";
constexpr int kNoNodeId = -1;

/* RTM_GETLINK or RTM_GETADDR for all objects. */
struct Dump {
	nlmsghdr header;
	ifinfomsg message; /* the longer of the two bodies; ifaddrmsg starts with the same byte */
};

/* RTM_GETNSID with the namespace as a file descriptor. */
struct IdQuestion {
	nlmsghdr header;
	rtgenmsg message;
	uint8_t padding[3];
	rtattr attribute;
	uint32_t fd;
};

struct Reading {
	Fault fault;
	double inode = 0;
	int id = kNoNodeId;
	std::string messages;
};

Fault ReadAll(RouteSocket &route, uint16_t type, size_t body, std::string &messages)
{
	Dump dump{};

	dump.header.nlmsg_len = static_cast<uint32_t>(NLMSG_LENGTH(body));
	dump.header.nlmsg_type = type;
	dump.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	return route.Request(dump.header, kReadNamespaces, [&](const nlmsghdr &message) {
		messages.append(reinterpret_cast<const char *>(&message), message.nlmsg_len);
		messages.resize(NLMSG_ALIGN(messages.size()));
	});
}

Fault AskId(RouteSocket &route, const Fd &netns, int &id)
{
	IdQuestion question{};

	question.header.nlmsg_len = sizeof(question);
	question.header.nlmsg_type = RTM_GETNSID;
	question.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	question.attribute.rta_len = RTA_LENGTH(sizeof(question.fd));
	question.attribute.rta_type = NETNSA_FD;
	question.fd = static_cast<uint32_t>(netns.Get());
	return route.Request(question.header, kReadNamespaces, [&](const nlmsghdr &message) {
		size_t header = NLMSG_SPACE(sizeof(rtgenmsg));
		if (message.nlmsg_len < header)
			return;
		auto first = reinterpret_cast<const rtattr *>(
		    reinterpret_cast<const char *>(&message) + header);
		ForEachAttribute(first, static_cast<int>(message.nlmsg_len - header),
				 [&](const rtattr &attribute) {
					 if (attribute.rta_type == NETNSA_NSID)
						 id = static_cast<int>(NumberOf(attribute));
				 });
	});
}

/* The id last: the kernel gives one when it lists an interface that refers to the other namespace. */
Fault Read(const Fd &node, const std::string &path, Reading &reading)
{
	Fd netns(open(path.c_str(), O_RDONLY | O_CLOEXEC));
	struct stat status {
	};
	NetnsScope scope;
	RouteSocket route;

	if (!netns || fstat(netns.Get(), &status))
		return {errno, "open", path};
	reading.inode = static_cast<double>(status.st_ino);
	Fault fault = scope.Enter(netns.Get());
	if (!fault)
		fault = route.Open();
	if (!fault)
		fault = ReadAll(route, RTM_GETLINK, sizeof(ifinfomsg), reading.messages);
	if (!fault)
		fault = ReadAll(route, RTM_GETADDR, sizeof(ifaddrmsg), reading.messages);
	if (!fault)
		fault = AskId(route, node, reading.id);
	return fault;
}

Napi::Value ObjectOf(Napi::Env env, const Reading &reading)
{
	auto object = Napi::Object::New(env);

	if (reading.fault) {
		object.Set("error", ErrorOf(env, reading.fault).Value());
		return object;
	}
	object.Set("inode", reading.inode);
	object.Set("nodeId", reading.id);
	object.Set("messages",
		   Napi::Buffer<char>::Copy(env, reading.messages.data(), reading.messages.size()));
	return object;
}
} // namespace

Napi::Value ReadNamespaces(const Napi::CallbackInfo &info)
{
	auto list = info[1].As<Napi::Array>();
	std::vector<std::string> paths;
	auto readings = std::make_shared<std::vector<Reading>>(list.Length());
	std::string node =
	    info[0].IsString() ? info[0].As<Napi::String>().Utf8Value() : kCallersNetns;

	for (uint32_t i = 0; i < list.Length(); i++)
		paths.push_back(list.Get(i).As<Napi::String>().Utf8Value());
	auto read = [node, paths, readings]() -> Fault {
		Fd own(open(node.c_str(), O_RDONLY | O_CLOEXEC));
		if (!own)
			return {errno, "open", node};
		for (size_t i = 0; i < paths.size(); i++)
			(*readings)[i].fault = Read(own, paths[i], (*readings)[i]);
		return {};
	};
	return Job::Run(info.Env(), read, [readings](Napi::Env env) {
		auto array = Napi::Array::New(env, readings->size());
		for (uint32_t i = 0; i < readings->size(); i++)
			array[i] = ObjectOf(env, (*readings)[i]);
		return array;
	});
}
