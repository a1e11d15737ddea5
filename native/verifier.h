/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verifier.h - what the kernel's verifier says of the programs of an object that is being loaded.
 *
 * In:    an opened object, before it is loaded. Brief: the verifier writes its last message only,
 *        which costs nothing. Full: every instruction it checks, which is several times slower.
 * Out:   the program that the kernel refused, the verifier's message, its log.
 * Never: loads a program again: libbpf does so for a log if it has none, and a program that exceeds
 *        the verifier's million instructions takes a gigabyte of kernel memory each time.
 */
#pragma once

#include "errors.h"

#include <bpf/libbpf.h>

#include <string>
#include <vector>

class Verifier
{
      public:
	Verifier(bpf_object *object, bool full);

	/* `output`: what libbpf has printed. */
	Fault Refusal(int err, const std::string &path, const std::string &output) const;

      private:
	std::string Message() const;

	std::vector<char> log_;
};
