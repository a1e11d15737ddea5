/*
 * ring.h - a perf event array: a slot a CPU, drained together.
 *
 * Out:   frames (u32 size, then `size` bytes as perf has them: padded to 8 with the frame), whole,
 * back to back, each on a multiple of 8. Fail:  what is lost is counted: Lost() by the kernel,
 * Oversize() here. Never: looks inside a record.
 */
#pragma once

#include "errors.h"
#include "owned.h"
#include "tables.h"

#include <cstdint>

/* The largest frame that is passed on, in bytes. Also the room that is left when Drain stops. */
constexpr size_t kMaxFrame = 2048;

class Ring
{
      public:
	/* `pages` a CPU, a power of two. The watermark is half of that: a wake-up an event would
	 * cost 6-7 us of packet path. */
	Fault Open(int map, size_t pages);
	/* `into` has room for kMaxFrame. Less than that left: there may be more. */
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
	 * Makes EpollFd readable until the next Drain. perf_poll() forgets a wake-up once it was
	 * asked for, and adding an fd to an event loop asks: what passed the watermark before that
	 * would never be told.
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
	Bytes room_{}; /* what is left of the buffer being filled */
	size_t first_ = 0;
	uint64_t lost_ = 0;
	uint64_t oversize_ = 0;
};
