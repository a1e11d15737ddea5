// SPDX-License-Identifier: Apache-2.0
/*
 * links.cc - rtnetlink, subscribed to link changes, as a JS object.
 */
#include "links.h"

#include <cerrno>
#include <cstring>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace
{
/* Dumps arrive in datagrams of 32 KiB; a single link is smaller than this. */
constexpr size_t kMaxDatagram = 64 * 1024;
/* Room for a few thousand links that appear at once. */
constexpr int kReceiveBuffer = 1 << 20;
} // namespace

Napi::Function LinkWatch::Define(Napi::Env env)
{
	return DefineClass(env, "LinkWatch",
			   {InstanceMethod<&LinkWatch::Dump>("dump"),
			    InstanceMethod<&LinkWatch::Read>("read"),
			    InstanceMethod<&LinkWatch::OnReadable>("onReadable"),
			    InstanceMethod<&LinkWatch::Close>("close")});
}

LinkWatch::LinkWatch(const Napi::CallbackInfo &info) : Napi::ObjectWrap<LinkWatch>(info)
{
	Throw(info.Env(), Open());
}

Fault LinkWatch::Open()
{
	sockaddr_nl address{};

	socket_.Reset(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
	if (!socket_)
		return {errno, "socket(AF_NETLINK)", {}};
	/* Best effort: without CAP_NET_ADMIN the default size stays, and ENOBUFS comes sooner. */
	(void)setsockopt(socket_.Get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer,
			 sizeof(kReceiveBuffer));
	address.nl_family = AF_NETLINK;
	address.nl_groups = RTMGRP_LINK;
	if (bind(socket_.Get(), reinterpret_cast<sockaddr *>(&address), sizeof(address)))
		return {errno, "bind(AF_NETLINK)", {}};
	return {};
}

Napi::Value LinkWatch::Dump(const Napi::CallbackInfo &info)
{
	struct {
		nlmsghdr head;
		ifinfomsg body;
	} request{};

	if (!socket_)
		return Throw(info.Env(), {EBADF, "dump", {}});
	request.head.nlmsg_len = sizeof(request);
	request.head.nlmsg_type = RTM_GETLINK;
	request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request.head.nlmsg_seq = ++sequence_;
	request.body.ifi_family = AF_UNSPEC;
	if (send(socket_.Get(), &request, sizeof(request), 0) < 0)
		return Throw(info.Env(), {errno, "send(RTM_GETLINK)", {}});
	return info.Env().Undefined();
}

Napi::Value LinkWatch::Read(const Napi::CallbackInfo &info)
{
	auto into = info[0].As<Napi::Uint8Array>();
	size_t filled = 0;

	if (!socket_)
		return Throw(info.Env(), {EBADF, "read", {}});
	if (into.ByteLength() < kMaxDatagram)
		return Throw(info.Env(), {EINVAL, "read", "the buffer needs at least 65536 bytes"});
	if (Fault fault = ReadAll({into.Data(), into.ByteLength()}, filled))
		return Throw(info.Env(), fault);
	return Napi::Number::New(info.Env(), static_cast<double>(filled));
}

Fault LinkWatch::ReadAll(Bytes into, size_t &filled)
{
	while (!lost_ && into.size - filled >= kMaxDatagram) {
		size_t size = 0;
		Fault fault = Receive({into.data + filled, into.size - filled}, size);
		if (fault.err == EAGAIN)
			return {};
		lost_ = fault.err == ENOBUFS;
		if (fault && !lost_)
			return fault;
		filled += NLMSG_ALIGN(size);
	}
	if (!lost_ || filled > 0)
		return {};
	lost_ = false;
	return {ENOBUFS, "recv(AF_NETLINK)", "link notifications were lost"};
}

/* Receives one datagram. `size` is 0 when another process sent it. */
Fault LinkWatch::Receive(Bytes into, size_t &size)
{
	sockaddr_nl from{};
	socklen_t length = sizeof(from);
	ssize_t got = recvfrom(socket_.Get(), into.data, into.size, MSG_TRUNC,
			       reinterpret_cast<sockaddr *>(&from), &length);

	if (got < 0)
		return {errno == EINTR ? EAGAIN : errno, "recv(AF_NETLINK)", {}};
	if (static_cast<size_t>(got) > into.size)
		return {ENOBUFS, "recv(AF_NETLINK)", {}};
	size = from.nl_pid == 0 ? static_cast<size_t>(got) : 0;
	return {};
}

Napi::Value LinkWatch::OnReadable(const Napi::CallbackInfo &info)
{
	if (!socket_)
		return Throw(info.Env(), {EBADF, "onReadable", {}});
	if (info[0].IsFunction())
		return Throw(info.Env(),
			     readable_.Watch(socket_.Get(), info[0].As<Napi::Function>()));
	readable_.Stop();
	return info.Env().Undefined();
}

Napi::Value LinkWatch::Close(const Napi::CallbackInfo &info)
{
	readable_.Stop();
	socket_.Reset();
	return info.Env().Undefined();
}
