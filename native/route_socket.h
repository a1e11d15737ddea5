/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_socket.h - requests to rtnetlink and their answers.
 *
 * In:    the network namespace of the thread at Open(); the socket keeps it.
 * Out:   the messages of a dump, one by one; the kernel's own error text after the errno.
 */
#pragma once

#include "errors.h"
#include "owned.h"

#include <array>
#include <functional>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

/* A request about a qdisc or filter, built attribute by attribute. */
class TcMessage
{
      public:
	TcMessage(uint16_t type, uint16_t flags, const tcmsg &body);
	void Add(uint16_t type, const void *data, size_t size);
	void Add(uint16_t type, const std::string &text);
	void Add(uint16_t type, uint32_t number);
	/* Opens a nested attribute; returns what End() takes. */
	size_t Begin(uint16_t type);
	void End(size_t nested);
	nlmsghdr &Header();

      private:
	static constexpr size_t kSize = 1024; /* the largest, a new filter, has 200 bytes */

	alignas(nlmsghdr) std::array<char, kSize> bytes_{};
};

class RouteSocket
{
      public:
	using Each = std::function<void(const nlmsghdr &)>;

	Fault Open();
	/* Sends a request and reads until its acknowledgement or the end of its dump. */
	Fault Request(nlmsghdr &header, const char *what, const Each &each = {});
	Fault Request(TcMessage &message, const char *what, const Each &each = {});

      private:
	Fault Receive(const char *what, const Each &each, bool &done);

	Fd socket_;
	uint32_t sequence_ = 0;
};

/* Calls `each(attribute)` for the attributes between two addresses. */
template <typename Each> void ForEachAttribute(const rtattr *first, int size, Each each)
{
	for (; RTA_OK(first, size); first = RTA_NEXT(first, size))
		each(*first);
}

/* The text of an attribute up to its terminating zero. */
std::string TextOf(const rtattr &attribute);
/* The number in an attribute of at least four bytes, otherwise 0. */
uint32_t NumberOf(const rtattr &attribute);
