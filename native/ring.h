/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring.h - the ring of an object: a perf event array (one buffer a CPU, drained together), or a BPF
 * ring buffer (one for all CPUs).
 *
 * Out:   frames (u32 size, then `size` bytes, padded so that a frame is a multiple of 8), whole,
 *        back to back, each on a multiple of 8.
 * Fail:  losses are counted: Lost() by the kernel, Oversize() here.
 * Never: parses a record.
 */
#pragma once

#include "errors.h"
#include "owned.h"
#include "tables.h"

#include <cstdint>
#include <linux/perf_event.h>

/* The largest frame that is delivered, in bytes. Drain stops when less than that is left. */
constexpr size_t kMaxFrame = 2048;

/* The perf event of a record that a BPF program writes, without a watermark. */
perf_event_attr OutputEvent();

class Ring
{
      public:
	/* `pages` a CPU, a power of two, for a perf event array: the watermark is half of that, for
	 * a wake-up for each event costs 6-7 us in the packet path. A ring buffer has the size of
	 * its map; its writer decides when to wake the reader. */
	Fault Open(const bpf_map *map, size_t pages);
	/* `into` has room for kMaxFrame. With less than that left over, there may be more. */
	Fault Drain(Bytes into, size_t &filled);
	void Close()
	{
		perf_.reset();
		buffer_.reset();
		epoll_.Reset();
		kick_.Reset();
		kicked_ = false;
	}
	explicit operator bool() const
	{
		return perf_ || buffer_;
	}
	int EpollFd() const
	{
		return perf_ ? perf_buffer__epoll_fd(perf_.get()) : epoll_.Get();
	}
	/*
	 * Makes EpollFd readable until the next Drain. perf_poll() clears a pending wake-up, and
	 * adding an fd to an event loop calls it: records that passed the watermark before would
	 * never wake the loop.
	 */
	Fault Kick();
	uint64_t Lost() const
	{
		return lost_;
	}
	uint64_t Oversize() const
	{
		return oversize_;
	}

      private:
	Fault OpenPerf(int map, size_t pages);
	Fault OpenBuffer(int map);
	Fault AddKick();
	Fault DrainPerf();
	Fault DrainBuffer();
	static bpf_perf_event_ret OnEvent(void *context, int cpu, perf_event_header *event);
	static int OnRecord(void *context, void *record, size_t size);
	bool Take(const uint8_t *record, size_t size);

	Fd kick_; /* an eventfd in the epoll set */
	bool kicked_ = false;
	PerfRingPtr perf_;
	RingBufferPtr buffer_;
	Fd epoll_;     /* of the ring buffer */
	Bytes room_{}; /* free part of the buffer that is being filled */
	size_t first_ = 0;
	uint64_t lost_ = 0;
	uint64_t oversize_ = 0;
};
