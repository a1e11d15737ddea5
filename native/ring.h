/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring.h - a perf event array: one buffer a CPU, drained together.
 *
 * Out:   frames (u32 size, then `size` bytes, which perf pads so that a frame is a multiple of 8),
 *        whole, back to back, each on a multiple of 8.
 * Fail:  losses are counted: Lost() by the kernel, Oversize() here.
 * Never: parses a record.
 */
#pragma once

#include "errors.h"
#include "owned.h"
#include "tables.h"

#include <cstdint>

/* The largest frame that is delivered, in bytes. Drain stops when less than that is left. */
constexpr size_t kMaxFrame = 2048;

class Ring
{
      public:
	/* `pages` a CPU, a power of two. The watermark is half of that: a wake-up for each event
	 * costs 6-7 us in the packet path. */
	Fault Open(int map, size_t pages);
	/* `into` has room for kMaxFrame. With less than that left over, there may be more. */
	Fault Drain(Bytes into, size_t &filled);
	void Close()
	{
		ring_.reset();
		kick_.Reset();
		kicked_ = false;
	}
	explicit operator bool() const
	{
		return ring_ != nullptr;
	}
	int EpollFd() const
	{
		return perf_buffer__epoll_fd(ring_.get());
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
	Fault AddKick();
	static bpf_perf_event_ret OnEvent(void *context, int cpu, perf_event_header *event);
	bpf_perf_event_ret Take(const uint8_t *frame);

	Fd kick_; /* an eventfd in libbpf's epoll set */
	bool kicked_ = false;
	RingPtr ring_;
	Bytes room_{}; /* free part of the buffer that is being filled */
	size_t first_ = 0;
	uint64_t lost_ = 0;
	uint64_t oversize_ = 0;
};
