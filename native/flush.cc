// SPDX-License-Identifier: Apache-2.0
/*
 * flush.cc - runs a flush program and copies its output out of a memory-mapped array.
 */
#include "flush.h"

#include <cerrno>
#include <cstring>

/* HOT: once a batch. bench `pump`. */
Fault Flusher::Run(const bpf_program *program, const bpf_map *from, Bytes argument, Bytes into,
		   size_t &filled)
{
	const Mapping *view = nullptr;
	auto options = Options<bpf_test_run_opts>();

	if (Fault fault = ViewOf(from, view))
		return fault;
	if (into.size < view->Size())
		return {ENOBUFS, "flush",
			"the buffer needs at least " + std::to_string(view->Size()) + " bytes"};
	if (bpf_program__type(program) == BPF_PROG_TYPE_SCHED_CLS) {
		options.data_in = options.data_out = argument.data;
		options.data_size_in = options.data_size_out = static_cast<uint32_t>(argument.size);
	} else {
		options.ctx_in = argument.data;
		options.ctx_size_in = static_cast<uint32_t>(argument.size);
	}
	int err = bpf_prog_test_run_opts(bpf_program__fd(program), &options);
	if (err < 0)
		return FaultOf(err, "bpf(BPF_PROG_TEST_RUN)", bpf_program__name(program));
	if (options.retval > view->Size())
		return {EPROTO, "flush",
			std::string(bpf_program__name(program)) + " returned " +
			    std::to_string(static_cast<int32_t>(options.retval))};
	filled = options.retval;
	std::memcpy(into.data, view->Data(), filled);
	return {};
}

Fault Flusher::ViewOf(const bpf_map *map, const Mapping *&view)
{
	auto known = views_.find(map);

	if (known == views_.end()) {
		Mapping mapping(bpf_map__fd(map), bpf_map__value_size(map));
		if (!mapping)
			return {errno, "mmap", bpf_map__name(map)};
		known = views_.emplace(map, std::move(mapping)).first;
	}
	view = &known->second;
	return {};
}
