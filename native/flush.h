/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flush.h - runs a flush program and copies its output out of a memory-mapped array.
 *
 * In:    a program that returns the number of bytes it wrote, of type `syscall`, or `tc` with its
 *        argument as the packet; an array map that can be mapped into memory; the argument, which
 *        the program may change.
 * Out:   those bytes, copied from the start of the map.
 * Fail:  the error of the kernel; ENOBUFS when the caller's buffer is smaller than the map.
 */
#pragma once

#include "errors.h"
#include "owned.h"
#include "tables.h"

#include <map>

class Flusher
{
      public:
	Fault Run(const bpf_program *program, const bpf_map *from, Bytes argument, Bytes into,
		  size_t &filled);
	void Clear()
	{
		views_.clear();
	}

      private:
	Fault ViewOf(const bpf_map *map, const Mapping *&view);

	std::map<const bpf_map *, Mapping> views_; /* by map, kept until Clear() */
};
