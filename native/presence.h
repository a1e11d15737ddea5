/* SPDX-License-Identifier: Apache-2.0 */
/*
 * presence.h - announces this Weir in a network namespace, and finds the others that live there.
 *
 * In:    the namespace of the calling thread. A program's number says which Weir it belongs to:
 *        asking the kernel by number would need CAP_SYS_ADMIN.
 * Out:   an abstract Unix socket `weir/INSTANCE/PROGRAM.PROGRAM...`, listed in /proc/net/unix until
 *        the process ends, however it ends.
 */
#pragma once

#include "errors.h"
#include "owned.h"

#include <set>
#include <vector>

class Presence
{
      public:
	/* `instance` has 16 characters; `programs` are the numbers of its tc programs. Learns those
	 * of the Weirs that live already. */
	Fault Announce(const std::string &instance, const std::vector<uint32_t> &programs);
	/* Whether all of these belong to Weirs that live, or lived when they were asked about. */
	Fault AreWeirs(const std::vector<uint32_t> &programs, bool &all);

      private:
	bool Know(const std::vector<uint32_t> &programs) const;

	Fault Bind(const std::string &name);

	std::vector<Fd> sockets_;
	/* Programs of other Weirs. A Weir that ends is not listed any more, but its links take a
	 * while to go. */
	std::set<uint32_t> known_;
};

/* The Weirs that announce themselves in the namespace of the calling thread. */
struct Living {
	std::set<std::string> instances;
	std::set<uint32_t> programs;
};

Fault FindLiving(Living &living);

/* 16 random hexadecimal digits. */
std::string NewInstance();

/* The kernel's number of a loaded program; 0 on failure. */
uint32_t NumberOfProgram(int fd);
