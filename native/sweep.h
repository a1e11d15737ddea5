/*
 * sweep.h - iterator programs run over maps, and what they write.
 *
 * In:    a buffer of at least SweepRoom() bytes: the kernel gathers whole objects in a buffer of 8
 * pages and copies what fits (bpf_seq_read), so only a smaller one would split a frame. Out:   the
 * bytes of bpf_seq_write, in order. A pass goes on over several calls; 0 bytes end it. Fail:  bytes
 * already taken from the kernel are handed out first; the error comes with the next call.
 */
#pragma once

#include "errors.h"
#include "owned.h"
#include "tables.h"

#include <map>
#include <utility>

size_t SweepRoom();

class Sweeps
{
      public:
	Fault Read(const bpf_program *program, const bpf_map *map, Bytes into, size_t &filled);
	void Clear()
	{
		passes_.clear();
	}

      private:
	struct Pass {
		LinkPtr link; /* kept: the program and map do not change */
		Fd iterator;
		bool ended = false;
	};
	static Fault Begin(const bpf_program *program, const bpf_map *map, Pass &pass);
	static Fault Fill(Pass &pass, Bytes into, size_t &filled);

	std::map<std::pair<const bpf_program *, const bpf_map *>, Pass> passes_;
};
