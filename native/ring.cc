// SPDX-License-Identifier: Apache-2.0
/*
 * ring.cc - a perf event array: one buffer a CPU, drained together.
 */
#include "ring.h"

#include <cerrno>
#include <cstring>
#include <linux/perf_event.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace
{
template <typename T> T Load(const uint8_t *at)
{
	T value;

	std::memcpy(&value, at, sizeof(value));
	return value;
}
} // namespace

Fault Ring::Open(int map, size_t pages)
{
	perf_event_attr attr{};

	attr.size = sizeof(attr);
	attr.type = PERF_TYPE_SOFTWARE;
	attr.config = PERF_COUNT_SW_BPF_OUTPUT;
	attr.sample_type = PERF_SAMPLE_RAW;
	attr.sample_period = 1;
	attr.watermark = 1;
	attr.wakeup_watermark =
	    static_cast<uint32_t>(pages * static_cast<size_t>(sysconf(_SC_PAGESIZE)) / 2);
	ring_.reset(perf_buffer__new_raw(map, pages, &attr, OnEvent, this, nullptr));
	if (!ring_)
		return {errno, "perf_event_open", std::to_string(pages) + " pages a CPU"};
	return AddKick();
}

Fault Ring::AddKick()
{
	epoll_event wanted{};

	kick_.Reset(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
	wanted.events = EPOLLIN;
	if (kick_ && !epoll_ctl(EpollFd(), EPOLL_CTL_ADD, kick_.Get(), &wanted))
		return {};
	Fault fault{errno, kick_ ? "epoll_ctl" : "eventfd", {}};
	ring_.reset();
	return fault;
}

Fault Ring::Kick()
{
	kicked_ = !eventfd_write(kick_.Get(), 1);
	return kicked_ ? Fault{} : Fault{errno, "write(eventfd)", {}};
}

/* HOT: once a batch, one copy a record; bench `pump`. */
Fault Ring::Drain(Bytes into, size_t &filled)
{
	size_t cpus = perf_buffer__buffer_cnt(ring_.get());
	eventfd_t kicks;

	if (kicked_)
		kicked_ = eventfd_read(kick_.Get(), &kicks) != 0;
	room_ = into;
	/* a CPU that fills the buffer alone must not be first every time */
	first_ = (first_ + 1) % cpus;
	for (size_t i = 0; i < cpus && room_.size >= kMaxFrame; i++) {
		int err = perf_buffer__consume_buffer(ring_.get(), (first_ + i) % cpus);
		if (err < 0)
			return FaultOf(err, "perf_buffer__consume_buffer");
	}
	filled = into.size - room_.size;
	return {};
}

bpf_perf_event_ret Ring::OnEvent(void *context, int, perf_event_header *event)
{
	auto *ring = static_cast<Ring *>(context);
	auto *body = reinterpret_cast<const uint8_t *>(event + 1);

	if (event->type == PERF_RECORD_SAMPLE) /* u32 size, then the bytes: a frame */
		return ring->Take(body);
	if (event->type == PERF_RECORD_LOST) /* u64 id, u64 lost */
		ring->lost_ += Load<uint64_t>(body + sizeof(uint64_t));
	return LIBBPF_PERF_EVENT_CONT;
}

bpf_perf_event_ret Ring::Take(const uint8_t *frame)
{
	size_t size = sizeof(uint32_t) + Load<uint32_t>(frame);

	if (size > kMaxFrame) {
		oversize_++;
		return LIBBPF_PERF_EVENT_CONT;
	}
	std::memcpy(room_.data, frame, size);
	room_.data += size;
	room_.size -= size;
	/* stop while one more fits: libbpf has already consumed what it passes here */
	return room_.size < kMaxFrame ? LIBBPF_PERF_EVENT_DONE : LIBBPF_PERF_EVENT_CONT;
}
