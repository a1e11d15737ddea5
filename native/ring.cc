// SPDX-License-Identifier: Apache-2.0
/*
 * ring.cc - the ring of an object: a perf event array or a BPF ring buffer.
 */
#include "ring.h"

#include <cerrno>
#include <cstring>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace
{
/* What the callback returns when the caller's buffer is full; no error of libbpf. */
constexpr int kFull = -ECANCELED;

template <typename T> T Load(const uint8_t *at)
{
	T value;

	std::memcpy(&value, at, sizeof(value));
	return value;
}
} // namespace

perf_event_attr OutputEvent()
{
	perf_event_attr attr{};

	attr.size = sizeof(attr);
	attr.type = PERF_TYPE_SOFTWARE;
	attr.config = PERF_COUNT_SW_BPF_OUTPUT;
	attr.sample_type = PERF_SAMPLE_RAW;
	attr.sample_period = 1;
	return attr;
}

Fault Ring::Open(const bpf_map *map, size_t pages)
{
	bool is_buffer = bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF;
	Fault fault = is_buffer ? OpenBuffer(bpf_map__fd(map)) : OpenPerf(bpf_map__fd(map), pages);

	if (!fault)
		fault = AddKick();
	if (fault)
		Close();
	return fault;
}

Fault Ring::OpenPerf(int map, size_t pages)
{
	perf_event_attr attr = OutputEvent();

	attr.watermark = 1;
	attr.wakeup_watermark =
	    static_cast<uint32_t>(pages * static_cast<size_t>(sysconf(_SC_PAGESIZE)) / 2);
	perf_.reset(perf_buffer__new_raw(map, pages, &attr, OnEvent, this, nullptr));
	return perf_ ? Fault{}
		     : Fault{errno, "perf_event_open", std::to_string(pages) + " pages a CPU"};
}

/* Edge-triggered, and not libbpf's epoll set: that one is readable while the ring has any record,
 * so the loop would spin on small batches. An edge is a wake-up that the writer asked for. */
Fault Ring::OpenBuffer(int map)
{
	epoll_event wanted{};

	buffer_.reset(ring_buffer__new(map, OnRecord, this, nullptr));
	if (!buffer_)
		return {errno, "ring_buffer__new", {}};
	epoll_.Reset(epoll_create1(EPOLL_CLOEXEC));
	wanted.events = EPOLLIN | EPOLLET;
	if (epoll_ && !epoll_ctl(epoll_.Get(), EPOLL_CTL_ADD, map, &wanted))
		return {};
	return {errno, epoll_ ? "epoll_ctl" : "epoll_create1", {}};
}

Fault Ring::AddKick()
{
	epoll_event wanted{};

	kick_.Reset(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
	wanted.events = EPOLLIN;
	if (kick_ && !epoll_ctl(EpollFd(), EPOLL_CTL_ADD, kick_.Get(), &wanted))
		return {};
	return {errno, kick_ ? "epoll_ctl" : "eventfd", {}};
}

Fault Ring::Kick()
{
	kicked_ = !eventfd_write(kick_.Get(), 1);
	return kicked_ ? Fault{} : Fault{errno, "write(eventfd)", {}};
}

/* HOT: once a batch, one copy a record; bench `pump`. */
Fault Ring::Drain(Bytes into, size_t &filled)
{
	eventfd_t kicks;

	if (kicked_)
		kicked_ = eventfd_read(kick_.Get(), &kicks) != 0;
	room_ = into;
	if (Fault fault = perf_ ? DrainPerf() : DrainBuffer())
		return fault;
	filled = into.size - room_.size;
	return {};
}

Fault Ring::DrainPerf()
{
	size_t cpus = perf_buffer__buffer_cnt(perf_.get());

	/* a CPU that fills the buffer alone must not be first every time */
	first_ = (first_ + 1) % cpus;
	for (size_t i = 0; i < cpus && room_.size >= kMaxFrame; i++) {
		int err = perf_buffer__consume_buffer(perf_.get(), (first_ + i) % cpus);
		if (err < 0)
			return FaultOf(err, "perf_buffer__consume_buffer");
	}
	return {};
}

Fault Ring::DrainBuffer()
{
	epoll_event edges[2];

	/* takes the edge: until the next one, the event loop sleeps */
	(void)epoll_wait(epoll_.Get(), edges, 2, 0);
	int err = ring_buffer__consume(buffer_.get());
	return err < 0 && err != kFull ? FaultOf(err, "ring_buffer__consume") : Fault{};
}

bpf_perf_event_ret Ring::OnEvent(void *context, int, perf_event_header *event)
{
	auto *ring = static_cast<Ring *>(context);
	auto *body = reinterpret_cast<const uint8_t *>(event + 1);

	if (event->type == PERF_RECORD_SAMPLE) { /* u32 size, then the bytes */
		bool more = ring->Take(body + sizeof(uint32_t), Load<uint32_t>(body));
		return more ? LIBBPF_PERF_EVENT_CONT : LIBBPF_PERF_EVENT_DONE;
	}
	if (event->type == PERF_RECORD_LOST) /* u64 id, u64 lost */
		ring->lost_ += Load<uint64_t>(body + sizeof(uint64_t));
	return LIBBPF_PERF_EVENT_CONT;
}

int Ring::OnRecord(void *context, void *record, size_t size)
{
	auto *ring = static_cast<Ring *>(context);

	return ring->Take(static_cast<const uint8_t *>(record), size) ? 0 : kFull;
}

/* Copies a record as a frame. Returns whether one more fits: libbpf has already consumed what it
 * passes here. perf has padded its records already. */
bool Ring::Take(const uint8_t *record, size_t size)
{
	size_t whole = (sizeof(uint32_t) + size + 7) & ~static_cast<size_t>(7);
	auto padded = static_cast<uint32_t>(whole - sizeof(uint32_t));

	if (whole > kMaxFrame) {
		oversize_++;
		return true;
	}
	std::memcpy(room_.data, &padded, sizeof(padded));
	std::memcpy(room_.data + sizeof(padded), record, size);
	std::memset(room_.data + sizeof(padded) + size, 0, padded - size);
	room_.data += whole;
	room_.size -= whole;
	return room_.size >= kMaxFrame;
}
