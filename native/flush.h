/*
 * flush.h - programs that the kernel runs for us, and what they leave in a map for us to read.
 *
 * In:    a program of type `syscall`, which returns how many bytes it left; an array map that can
 * be mapped into memory; the program's argument, which it may change. Out:   those bytes, copied
 * from the start of the map. Fail:  what the kernel says; ENOBUFS when the caller's buffer is
 * smaller than the map.
 */
#pragma once

#include "errors.h"
#include "owned.h"
#include "tables.h"

#include <map>

class Flushes
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

	std::map<const bpf_map *, Mapping> views_; /* kept: the maps do not change */
};
