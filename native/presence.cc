// SPDX-License-Identifier: Apache-2.0
/*
 * presence.cc - announces this Weir in a network namespace, and finds the others that live there.
 */
#include "presence.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <sstream>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace
{
/* Of the thread: it may be in another namespace than the process. */
constexpr const char *kSockets = "/proc/thread-self/net/unix";
/* As the file shows it: `@` for the zero byte of an abstract name. */
const std::string kPrefix = "@weir/";
constexpr size_t kInstanceLength = 16;
/* Numbers of at most ten digits that fit into the name of a socket. */
constexpr size_t kMostAnnounced = 7;

void Note(const std::string &name, Living &living)
{
	size_t slash = kPrefix.size() + kInstanceLength;
	std::string number;

	if (name.compare(0, kPrefix.size(), kPrefix) != 0 || name.size() <= slash ||
	    name[slash] != '/')
		return;
	living.instances.insert(name.substr(kPrefix.size(), kInstanceLength));
	std::istringstream numbers(name.substr(slash + 1));
	while (std::getline(numbers, number, '.'))
		living.programs.insert(
		    static_cast<uint32_t>(std::strtoul(number.c_str(), nullptr, 10)));
}
} // namespace

Fault Presence::Announce(const std::string &instance, const std::vector<uint32_t> &programs)
{
	Living living;
	size_t next = 0;

	if (Fault fault = FindLiving(living))
		return fault;
	known_ = living.programs;
	do { /* at least one socket, also without programs */
		std::string name = "weir/" + instance + "/";
		for (size_t i = 0; i < kMostAnnounced && next < programs.size(); i++)
			name += (i > 0 ? "." : "") + std::to_string(programs[next++]);
		if (Fault fault = Bind(name))
			return fault;
	} while (next < programs.size());
	return {};
}

Fault Presence::Bind(const std::string &name)
{
	sockaddr_un address{};
	size_t size = std::min(name.size(), sizeof(address.sun_path) - 1);
	Fd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	if (!fd)
		return {errno, "socket(AF_UNIX)", {}};
	address.sun_family = AF_UNIX;
	std::memcpy(address.sun_path + 1, name.data(), size);
	auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + size);
	if (bind(fd.Get(), reinterpret_cast<sockaddr *>(&address), length))
		return {errno, "bind(AF_UNIX)", name};
	/* Nothing is ever received: a datagram would only take memory. */
	(void)shutdown(fd.Get(), SHUT_RD);
	sockets_.push_back(std::move(fd));
	return {};
}

Fault Presence::AreWeirs(const std::vector<uint32_t> &programs, bool &all)
{
	Living living;

	all = Know(programs);
	if (all)
		return {};
	if (Fault fault = FindLiving(living))
		return fault;
	for (uint32_t program : programs)
		if (living.programs.count(program))
			known_.insert(program);
	all = Know(programs);
	return {};
}

bool Presence::Know(const std::vector<uint32_t> &programs) const
{
	return std::all_of(programs.begin(), programs.end(),
			   [this](uint32_t program) { return known_.count(program) > 0; });
}

Fault FindLiving(Living &living)
{
	std::ifstream sockets(kSockets);
	std::string line;

	if (!sockets)
		return {errno, "open", kSockets};
	while (std::getline(sockets, line)) {
		size_t at = line.find(kPrefix);
		if (at != std::string::npos)
			Note(line.substr(at), living);
	}
	return {};
}

std::string NewInstance()
{
	static constexpr char kDigits[] = "0123456789abcdef";
	uint8_t bytes[kInstanceLength / 2] = {};
	std::string text;

	(void)!getrandom(bytes, sizeof(bytes), 0); /* never short for so few bytes */
	for (uint8_t byte : bytes) {
		text += kDigits[byte >> 4];
		text += kDigits[byte & 15];
	}
	return text;
}

uint32_t NumberOfProgram(int fd)
{
	bpf_prog_info info{};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}
