/* SPDX-License-Identifier: Apache-2.0 */
/*
 * placeholder.h - two programs that pass every packet on, for links that are to get another program.
 *
 * Out:   two file descriptors: a hook has the same program once at most.
 * Fail:  false if the kernel refused to load them.
 */
#pragma once

#include "owned.h"

#include <array>

class Placeholders
{
      public:
	Placeholders();
	explicit operator bool() const
	{
		return programs_[0] && programs_[1];
	}
	std::array<int, 2> Fds() const
	{
		return {programs_[0].Get(), programs_[1].Get()};
	}
	/* Releases the programs. */
	void Close()
	{
		for (Fd &program : programs_)
			program.Reset();
	}

      private:
	std::array<Fd, 2> programs_;
};
