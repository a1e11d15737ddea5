/*
 * sweep.cc - iterator programs run over maps, and what they write.
 */
#include "sweep.h"

#include <cerrno>
#include <unistd.h>

namespace
{
/* EAGAIN: a million entries without a byte, or a program that asks to be run again. A table has
 * fewer millions. */
constexpr int kMaxRetries = 1024;

ssize_t ReadSome(int fd, Bytes into)
{
	for (int i = 0; i < kMaxRetries; i++) {
		ssize_t size = read(fd, into.data, into.size);
		if (size >= 0 || (errno != EAGAIN && errno != EINTR))
			return size;
	}
	return -1;
}
} // namespace

size_t SweepRoom()
{
	return 8 * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

Fault Sweeps::Read(const bpf_program *program, const bpf_map *map, Bytes into, size_t &filled)
{
	Pass &pass = passes_[{program, map}];

	if (pass.ended) {
		pass.ended = false;
		return {};
	}
	if (Fault fault = Begin(program, map, pass))
		return fault;
	return Fill(pass, into, filled);
}

Fault Sweeps::Begin(const bpf_program *program, const bpf_map *map, Pass &pass)
{
	if (pass.iterator)
		return {};
	if (!pass.link) {
		bpf_iter_link_info over{};
		auto options = Options<bpf_iter_attach_opts>();
		over.map.map_fd = static_cast<uint32_t>(bpf_map__fd(map));
		options.link_info = &over;
		options.link_info_len = sizeof(over);
		pass.link.reset(bpf_program__attach_iter(program, &options));
	}
	if (!pass.link)
		return {errno, "bpf(BPF_LINK_CREATE)", bpf_program__name(program)};
	int fd = bpf_iter_create(bpf_link__fd(pass.link.get()));
	if (fd < 0)
		return FaultOf(fd, "bpf(BPF_ITER_CREATE)", bpf_program__name(program));
	pass.iterator.Reset(fd);
	return {};
}

/* HOT: once a batch; the kernel writes straight into the caller's buffer. bench `pump`. */
Fault Sweeps::Fill(Pass &pass, Bytes into, size_t &filled)
{
	while (into.size - filled >= SweepRoom()) {
		ssize_t size =
		    ReadSome(pass.iterator.Get(), {into.data + filled, into.size - filled});
		if (size > 0) {
			filled += static_cast<size_t>(size);
			continue;
		}
		if (size < 0 && filled > 0)
			return {};
		int err = size < 0 ? errno : 0;
		pass.iterator.Reset();
		pass.ended = size == 0 && filled > 0;
		return {err, "read", err ? "iterator" : ""};
	}
	return {};
}
