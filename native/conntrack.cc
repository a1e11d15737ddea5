// SPDX-License-Identifier: Apache-2.0
/*
 * conntrack.cc - questions to the kernel's connection tracking (ctnetlink), as a JS object.
 */
#include "conntrack.h"

#include <cerrno>
#include <linux/netlink.h>
#include <sys/socket.h>

Napi::Function ConntrackQuery::Define(Napi::Env env)
{
	return DefineClass(env, "ConntrackQuery",
			   {InstanceMethod<&ConntrackQuery::Query>("query"),
			    InstanceMethod<&ConntrackQuery::Close>("close")});
}

ConntrackQuery::ConntrackQuery(const Napi::CallbackInfo &info)
    : Napi::ObjectWrap<ConntrackQuery>(info)
{
	socket_.Reset(
	    socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER));
	if (!socket_)
		Throw(info.Env(), {errno, "socket(NETLINK_NETFILTER)", {}});
}

Napi::Value ConntrackQuery::Query(const Napi::CallbackInfo &info)
{
	auto request = info[0].As<Napi::Uint8Array>();
	auto into = info[1].As<Napi::Uint8Array>();
	sockaddr_nl kernel{};
	size_t filled = 0;

	if (!socket_)
		return Throw(info.Env(), {EBADF, "query", "the socket is closed"});
	kernel.nl_family = AF_NETLINK;
	if (sendto(socket_.Get(), request.Data(), request.ByteLength(), 0,
		   reinterpret_cast<sockaddr *>(&kernel), sizeof(kernel)) < 0)
		return Throw(info.Env(), {errno, "send(NETLINK_NETFILTER)", {}});
	if (Fault fault = ReadAll({into.Data(), into.ByteLength()}, filled))
		return Throw(info.Env(), fault);
	return Napi::Number::New(info.Env(), static_cast<double>(filled));
}

Fault ConntrackQuery::ReadAll(Bytes into, size_t &filled)
{
	for (;;) {
		sockaddr_nl from{};
		socklen_t length = sizeof(from);
		ssize_t got = recvfrom(socket_.Get(), into.data + filled, into.size - filled,
				       MSG_TRUNC, reinterpret_cast<sockaddr *>(&from), &length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return {};
		if (got < 0)
			return {errno, "recv(NETLINK_NETFILTER)", {}};
		if (static_cast<size_t>(got) > into.size - filled)
			return {ENOBUFS, "recv(NETLINK_NETFILTER)", "the buffer is too small"};
		if (from.nl_pid == 0) /* not of another process */
			filled += NLMSG_ALIGN(static_cast<size_t>(got));
	}
}

Napi::Value ConntrackQuery::Close(const Napi::CallbackInfo &info)
{
	socket_.Reset();
	return info.Env().Undefined();
}
