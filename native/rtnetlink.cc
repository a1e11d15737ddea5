// SPDX-License-Identifier: Apache-2.0
/*
 * rtnetlink.cc - rtnetlink, subscribed to multicast groups, as a JS object.
 */
#include "rtnetlink.h"

#include <cerrno>
#include <cstring>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace
{
/* Dumps arrive in datagrams of 32 KiB; a single message is smaller than this. */
constexpr size_t kMaxDatagram = 64 * 1024;
/* Room for a few thousand links or routes that appear at once. */
constexpr int kReceiveBuffer = 1 << 20;

/* Size of the family header of a dump request. The kernel takes further bytes for attributes. */
size_t HeaderSize(uint32_t type)
{
	switch (type) {
	case RTM_GETLINK:
		return sizeof(ifinfomsg);
	case RTM_GETADDR:
		return sizeof(ifaddrmsg);
	default:
		return sizeof(rtmsg); /* as struct ndmsg */
	}
}
} // namespace

Napi::Function RtnetlinkWatch::Define(Napi::Env env)
{
	return DefineClass(env, "RtnetlinkWatch",
			   {InstanceMethod<&RtnetlinkWatch::Dump>("dump"),
			    InstanceMethod<&RtnetlinkWatch::Read>("read"),
			    InstanceMethod<&RtnetlinkWatch::OnReadable>("onReadable"),
			    InstanceMethod<&RtnetlinkWatch::Close>("close")});
}

RtnetlinkWatch::RtnetlinkWatch(const Napi::CallbackInfo &info)
    : Napi::ObjectWrap<RtnetlinkWatch>(info)
{
	Throw(info.Env(), Open(info[0].As<Napi::Number>().Uint32Value()));
}

Fault RtnetlinkWatch::Open(uint32_t groups)
{
	sockaddr_nl address{};

	socket_.Reset(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
	if (!socket_)
		return {errno, "socket(AF_NETLINK)", {}};
	/* Best effort: without CAP_NET_ADMIN the default size stays, and ENOBUFS comes sooner. */
	(void)setsockopt(socket_.Get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer,
			 sizeof(kReceiveBuffer));
	address.nl_family = AF_NETLINK;
	address.nl_groups = groups;
	if (bind(socket_.Get(), reinterpret_cast<sockaddr *>(&address), sizeof(address)))
		return {errno, "bind(AF_NETLINK)", {}};
	return {};
}

Napi::Value RtnetlinkWatch::Dump(const Napi::CallbackInfo &info)
{
	struct {
		nlmsghdr head;
		ifinfomsg body; /* the largest; all start with the family */
	} request{};
	uint32_t type = info[0].As<Napi::Number>().Uint32Value();

	if (!socket_)
		return Throw(info.Env(), {EBADF, "dump", {}});
	request.body.ifi_family =
	    static_cast<unsigned char>(info[1].As<Napi::Number>().Uint32Value());
	request.head.nlmsg_len = static_cast<uint32_t>(NLMSG_LENGTH(HeaderSize(type)));
	request.head.nlmsg_type = static_cast<uint16_t>(type);
	request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request.head.nlmsg_seq = ++sequence_;
	if (send(socket_.Get(), &request, request.head.nlmsg_len, 0) < 0)
		return Throw(info.Env(), {errno, "send(RTM_GET*)", {}});
	return info.Env().Undefined();
}

Napi::Value RtnetlinkWatch::Read(const Napi::CallbackInfo &info)
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

Fault RtnetlinkWatch::ReadAll(Bytes into, size_t &filled)
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
	return {ENOBUFS, "recv(AF_NETLINK)", "notifications were lost"};
}

/* Receives one datagram. `size` is 0 when another process sent it. */
Fault RtnetlinkWatch::Receive(Bytes into, size_t &size)
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

Napi::Value RtnetlinkWatch::OnReadable(const Napi::CallbackInfo &info)
{
	if (!socket_)
		return Throw(info.Env(), {EBADF, "onReadable", {}});
	if (info[0].IsFunction())
		return Throw(info.Env(),
			     readable_.Watch(socket_.Get(), info[0].As<Napi::Function>()));
	readable_.Stop();
	return info.Env().Undefined();
}

Napi::Value RtnetlinkWatch::Close(const Napi::CallbackInfo &info)
{
	readable_.Stop();
	socket_.Reset();
	return info.Env().Undefined();
}
