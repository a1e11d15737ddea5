// SPDX-License-Identifier: Apache-2.0
/*
 * background_close.cc - closes descriptors whose release takes the kernel long, without waiting.
 *
 * The descriptors are sent to a socket that is itself in the message. With both sides closed the
 * message cannot be received any more, and the garbage collector of Unix sockets releases it, which
 * since 6.10 is a kernel worker (net/unix/garbage.c). A TCX link takes 22 ms, the 400 links of 200
 * pods 9 s: too long for a process that has to end.
 */
#include "background_close.h"

#include <algorithm>
#include <cstring>
#include <sys/socket.h>

namespace
{
/* A message carries 253 (SCM_MAX_FD). */
constexpr size_t kMost = 250;

/* Sends up to kMost of them from `first` on, and `receiver` itself, over `sender`. */
bool Send(int sender, int receiver, const std::vector<Fd> &descriptors, size_t first)
{
	int numbers[kMost + 1] = {};
	alignas(cmsghdr) char control[CMSG_SPACE(sizeof(numbers))] = {};
	size_t count = std::min(kMost, descriptors.size() - first);
	char byte = 0;
	iovec body{&byte, 1};
	msghdr message{};

	for (size_t i = 0; i < count; i++)
		numbers[i] = descriptors[first + i].Get();
	numbers[count] = receiver;
	message.msg_iov = &body;
	message.msg_iovlen = 1;
	message.msg_control = control;
	message.msg_controllen = CMSG_SPACE(sizeof(int) * (count + 1));
	cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int) * (count + 1));
	std::memcpy(CMSG_DATA(header), numbers, sizeof(int) * (count + 1));
	return sendmsg(sender, &message, MSG_DONTWAIT) == 1;
}
} // namespace

void CloseInBackground(std::vector<Fd> descriptors)
{
	int pair[2];

	if (descriptors.empty() || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair))
		return;
	Fd sender(pair[0]);
	Fd receiver(pair[1]);
	for (size_t first = 0; first < descriptors.size(); first += kMost)
		if (!Send(sender.Get(), receiver.Get(), descriptors, first))
			break;
	/* The message keeps what it carries; the sender's release wakes the collector. */
	descriptors.clear();
	receiver.Reset();
	sender.Reset();
}
