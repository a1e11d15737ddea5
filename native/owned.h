/* SPDX-License-Identifier: Apache-2.0 */
/*
 * owned.h - owners of what the addon has to release: file descriptors, mappings, libbpf's objects.
 */
#pragma once

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <utility>

/* A file descriptor, closed by the destructor. */
class Fd
{
      public:
	explicit Fd(int fd = -1) : fd_(fd)
	{
	}
	Fd(Fd &&other) noexcept : fd_(std::exchange(other.fd_, -1))
	{
	}
	Fd &operator=(Fd &&other) noexcept
	{
		Reset(std::exchange(other.fd_, -1));
		return *this;
	}
	~Fd()
	{
		Reset();
	}
	int Get() const
	{
		return fd_;
	}
	explicit operator bool() const
	{
		return fd_ >= 0;
	}
	void Reset(int fd = -1)
	{
		if (fd_ >= 0)
			close(fd_);
		fd_ = fd;
	}

      private:
	int fd_;
};

/* The start of a file, mapped read-only; false when mmap failed. */
class Mapping
{
      public:
	Mapping(int fd, size_t size)
	    : data_(mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0)), size_(size)
	{
	}
	Mapping(Mapping &&other) noexcept
	    : data_(std::exchange(other.data_, MAP_FAILED)), size_(other.size_)
	{
	}
	Mapping &operator=(Mapping &&) = delete;
	~Mapping()
	{
		if (data_ != MAP_FAILED)
			munmap(data_, size_);
	}
	const uint8_t *Data() const
	{
		return static_cast<const uint8_t *>(data_);
	}
	size_t Size() const
	{
		return size_;
	}
	explicit operator bool() const
	{
		return data_ != MAP_FAILED;
	}

      private:
	void *data_;
	size_t size_;
};

struct Release {
	void operator()(bpf_object *object) const
	{
		bpf_object__close(object);
	}
	void operator()(bpf_link *link) const
	{
		bpf_link__destroy(link);
	}
	void operator()(perf_buffer *ring) const
	{
		perf_buffer__free(ring);
	}
	void operator()(ring_buffer *ring) const
	{
		ring_buffer__free(ring);
	}
	void operator()(btf *types) const
	{
		btf__free(types);
	}
};

using ObjectPtr = std::unique_ptr<bpf_object, Release>;
using LinkPtr = std::unique_ptr<bpf_link, Release>;
using PerfRingPtr = std::unique_ptr<perf_buffer, Release>;
using RingBufferPtr = std::unique_ptr<ring_buffer, Release>;
using BtfPtr = std::unique_ptr<btf, Release>;

/* An option struct of libbpf: zeroed, with its size in `sz`. libbpf's own macro is C only. */
template <typename T> T Options()
{
	T options{};

	options.sz = sizeof(options);
	return options;
}
