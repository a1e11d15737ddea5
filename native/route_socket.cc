// SPDX-License-Identifier: Apache-2.0
/*
 * route_socket.cc - requests to rtnetlink and their answers.
 */
#include "route_socket.h"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>

namespace
{
/* Dumps arrive in datagrams of at most 32 KiB. */
constexpr size_t kMaxAnswer = 64 * 1024;

/* The kernel's explanation of a refusal (NETLINK_EXT_ACK), or nothing. */
std::string ExplanationOf(const nlmsghdr &answer)
{
	const auto *error = static_cast<const nlmsgerr *>(NLMSG_DATA(&answer));
	size_t header = NLMSG_LENGTH(sizeof(nlmsgerr));
	std::string text;

	if (!(answer.nlmsg_flags & NLM_F_ACK_TLVS))
		return text;
	if (!(answer.nlmsg_flags & NLM_F_CAPPED))
		header += error->msg.nlmsg_len - sizeof(nlmsghdr);
	if (answer.nlmsg_len <= header)
		return text;
	const auto *first = reinterpret_cast<const rtattr *>(
	    reinterpret_cast<const char *>(&answer) + NLMSG_ALIGN(header));
	ForEachAttribute(first, static_cast<int>(answer.nlmsg_len - NLMSG_ALIGN(header)),
			 [&](const rtattr &attribute) {
				 if (attribute.rta_type == NLMSGERR_ATTR_MSG)
					 text = "\n" + TextOf(attribute);
			 });
	return text;
}
} // namespace

TcMessage::TcMessage(uint16_t type, uint16_t flags, const tcmsg &body)
{
	nlmsghdr &header = Header();

	header.nlmsg_len = NLMSG_LENGTH(sizeof(body));
	header.nlmsg_type = type;
	header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
	std::memcpy(NLMSG_DATA(&header), &body, sizeof(body));
}

nlmsghdr &TcMessage::Header()
{
	return *reinterpret_cast<nlmsghdr *>(bytes_.data());
}

void TcMessage::Add(uint16_t type, const void *data, size_t size)
{
	nlmsghdr &header = Header();
	size_t at = NLMSG_ALIGN(header.nlmsg_len);

	if (at + RTA_SPACE(size) > kSize)
		Napi::Error::Fatal("weir", "a netlink request is too long");
	auto *attribute = reinterpret_cast<rtattr *>(bytes_.data() + at);
	attribute->rta_type = type;
	attribute->rta_len = static_cast<uint16_t>(RTA_LENGTH(size));
	if (size > 0)
		std::memcpy(RTA_DATA(attribute), data, size);
	header.nlmsg_len = static_cast<uint32_t>(at + RTA_ALIGN(attribute->rta_len));
}

void TcMessage::Add(uint16_t type, const std::string &text)
{
	Add(type, text.c_str(), text.size() + 1);
}

void TcMessage::Add(uint16_t type, uint32_t number)
{
	Add(type, &number, sizeof(number));
}

size_t TcMessage::Begin(uint16_t type)
{
	size_t at = NLMSG_ALIGN(Header().nlmsg_len);

	Add(type, nullptr, 0);
	return at;
}

void TcMessage::End(size_t nested)
{
	auto *attribute = reinterpret_cast<rtattr *>(bytes_.data() + nested);

	attribute->rta_len = static_cast<uint16_t>(Header().nlmsg_len - nested);
}

Fault RouteSocket::Open()
{
	int on = 1;

	socket_.Reset(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
	if (!socket_)
		return {errno, "socket(AF_NETLINK)", {}};
	/* Best effort: without them errors have no text. */
	(void)setsockopt(socket_.Get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)setsockopt(socket_.Get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	return {};
}

Fault RouteSocket::Request(TcMessage &message, const char *what, const Each &each)
{
	return Request(message.Header(), what, each);
}

Fault RouteSocket::Request(nlmsghdr &header, const char *what, const Each &each)
{
	bool done = false;

	header.nlmsg_seq = ++sequence_;
	if (send(socket_.Get(), &header, header.nlmsg_len, 0) < 0)
		return {errno, what, {}};
	while (!done)
		if (Fault fault = Receive(what, each, done))
			return fault;
	return {};
}

Fault RouteSocket::Receive(const char *what, const Each &each, bool &done)
{
	alignas(nlmsghdr) std::array<char, kMaxAnswer> bytes;
	ssize_t got = recv(socket_.Get(), bytes.data(), bytes.size(), 0);
	auto left = static_cast<unsigned int>(got);

	if (got < 0)
		return {errno == EINTR ? 0 : errno, what, {}};
	for (auto *at = reinterpret_cast<const nlmsghdr *>(bytes.data()); NLMSG_OK(at, left);
	     at = NLMSG_NEXT(at, left)) {
		/* an answer to an earlier request that failed halfway */
		if (at->nlmsg_seq != sequence_)
			continue;
		done = at->nlmsg_type == NLMSG_DONE || at->nlmsg_type == NLMSG_ERROR;
		if (at->nlmsg_type == NLMSG_ERROR) {
			int err = static_cast<const nlmsgerr *>(NLMSG_DATA(at))->error;
			return err ? Fault{-err, what, ExplanationOf(*at)} : Fault{};
		}
		if (!done && each)
			each(*at);
	}
	return {};
}

std::string TextOf(const rtattr &attribute)
{
	const auto *text = static_cast<const char *>(RTA_DATA(&attribute));

	return {text, strnlen(text, RTA_PAYLOAD(&attribute))};
}

uint32_t NumberOf(const rtattr &attribute)
{
	uint32_t number = 0;

	if (RTA_PAYLOAD(&attribute) >= sizeof(number))
		std::memcpy(&number, RTA_DATA(&attribute), sizeof(number));
	return number;
}
