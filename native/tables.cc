// SPDX-License-Identifier: Apache-2.0
/*
 * tables.cc - reads, writes and empties maps in batches.
 */
#include "tables.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace
{
constexpr size_t kBatchBytes = 256 * 1024;
/* Entries. A hash bucket has to fit; otherwise the kernel returns ENOSPC and the batch doubles. */
constexpr size_t kMinBatch = 64;

size_t ValueSize(const bpf_map *map)
{
	size_t size = bpf_map__value_size(map);

	switch (bpf_map__type(map)) {
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		return (size + 7) / 8 * 8 * static_cast<size_t>(libbpf_num_possible_cpus());
	default:
		return size;
	}
}

bool NoBatches(int err)
{
	return err == -kNotSupported || err == -EINVAL || err == -EOPNOTSUPP;
}

/* Interleaves keys and values, and refuses a pair that does not fit. */
class Writer
{
      public:
	Writer(const bpf_map *map, Bytes into)
	    : key_(bpf_map__key_size(map)), value_(ValueSize(map)), into_(into)
	{
	}
	bool Add(const uint8_t *key, const uint8_t *value)
	{
		if (into_.size - at_ < key_ + value_)
			return false;
		std::memcpy(into_.data + at_, key, key_);
		std::memcpy(into_.data + at_ + key_, value, value_);
		at_ += key_ + value_;
		entries_++;
		return true;
	}
	size_t Key() const
	{
		return key_;
	}
	size_t Value() const
	{
		return value_;
	}
	size_t Entries() const
	{
		return entries_;
	}

      private:
	size_t key_;
	size_t value_;
	Bytes into_;
	size_t at_ = 0;
	size_t entries_ = 0;
};

Fault TooSmall(const bpf_map *map)
{
	return {ENOBUFS, "read",
		std::string("map '") + bpf_map__name(map) + "' does not fit the buffer"};
}

Fault ReadInBatches(const bpf_map *map, Writer &out, bool &supported)
{
	int fd = bpf_map__fd(map);
	uint32_t most = std::max(bpf_map__max_entries(map), 1u);
	size_t batch =
	    std::min<size_t>(std::max(kBatchBytes / (out.Key() + out.Value()), kMinBatch), most);
	std::vector<uint8_t> keys(batch * out.Key()), values(batch * out.Value());
	/* opaque cursors */
	std::vector<uint8_t> from(std::max<size_t>(out.Key(), 8)), next(from.size());

	for (bool first = true;; first = false) {
		auto count = static_cast<uint32_t>(batch);
		int err = bpf_map_lookup_batch(fd, first ? nullptr : from.data(), next.data(),
					       keys.data(), values.data(), &count, nullptr);
		while (err == -ENOSPC && batch < most) {
			batch = std::min<size_t>(batch * 2, most);
			keys.resize(batch * out.Key());
			values.resize(batch * out.Value());
			count = static_cast<uint32_t>(batch);
			err = bpf_map_lookup_batch(fd, first ? nullptr : from.data(), next.data(),
						   keys.data(), values.data(), &count, nullptr);
		}
		supported = !(first && NoBatches(err));
		if (err && err != -ENOENT)
			return FaultOf(err, "bpf(BPF_MAP_LOOKUP_BATCH)", bpf_map__name(map));
		for (uint32_t i = 0; i < count; i++)
			if (!out.Add(&keys[i * out.Key()], &values[i * out.Value()]))
				return TooSmall(map);
		if (err == -ENOENT)
			return {};
		from.swap(next);
	}
}

/* For kernels without batches for this type of map. The walk restarts when its current key is
 * deleted meanwhile, so the loop is bounded. */
Fault ReadOneByOne(const bpf_map *map, Writer &out)
{
	int fd = bpf_map__fd(map);
	std::vector<uint8_t> key(out.Key()), next(out.Key()), value(out.Value());

	for (uint32_t i = 0; i < bpf_map__max_entries(map); i++) {
		int err = bpf_map_get_next_key(fd, i ? key.data() : nullptr, next.data());
		if (err == -ENOENT)
			return {};
		if (err)
			return FaultOf(err, "bpf(BPF_MAP_GET_NEXT_KEY)", bpf_map__name(map));
		key.swap(next);
		err = bpf_map_lookup_elem(fd, key.data(), value.data());
		if (err && err != -ENOENT)
			return FaultOf(err, "bpf(BPF_MAP_LOOKUP_ELEM)", bpf_map__name(map));
		if (!err && !out.Add(key.data(), value.data()))
			return TooSmall(map);
	}
	return {};
}

Fault CheckSize(const bpf_map *map, const char *what, size_t got, size_t one, uint32_t count)
{
	if (got == one * count)
		return {};
	return {EINVAL, what,
		std::string("map '") + bpf_map__name(map) + "': " + std::to_string(count) +
		    " entries of " + std::to_string(one) + " bytes expected, got " +
		    std::to_string(got) + " bytes"};
}
} // namespace

Fault ReadTable(const bpf_map *map, Bytes into, size_t &entries)
{
	Writer out(map, into);
	bool batches = true;
	Fault fault = ReadInBatches(map, out, batches);

	if (!batches)
		fault = ReadOneByOne(map, out);
	entries = out.Entries();
	return fault;
}

Fault UpdateTable(const bpf_map *map, Bytes keys, Bytes values, uint32_t count)
{
	int fd = bpf_map__fd(map);
	size_t key = bpf_map__key_size(map), value = ValueSize(map);
	uint32_t done = count;

	if (Fault fault = CheckSize(map, "update keys", keys.size, key, count))
		return fault;
	if (Fault fault = CheckSize(map, "update values", values.size, value, count))
		return fault;
	if (!count)
		return {};
	int err = bpf_map_update_batch(fd, keys.data, values.data, &done, nullptr);
	if (!NoBatches(err))
		return FaultOf(err, "bpf(BPF_MAP_UPDATE_BATCH)", bpf_map__name(map));
	for (uint32_t i = 0; i < count; i++) {
		err =
		    bpf_map_update_elem(fd, keys.data + i * key, values.data + i * value, BPF_ANY);
		if (err)
			return FaultOf(err, "bpf(BPF_MAP_UPDATE_ELEM)", bpf_map__name(map));
	}
	return {};
}

Fault RemoveFromTable(const bpf_map *map, Bytes keys, uint32_t count)
{
	int fd = bpf_map__fd(map);
	size_t key = bpf_map__key_size(map);
	bool batches = true;

	if (Fault fault = CheckSize(map, "remove", keys.size, key, count))
		return fault;
	for (uint32_t at = 0; at < count;) {
		uint32_t done = batches ? count - at : 0;
		int err = batches ? bpf_map_delete_batch(fd, keys.data + at * key, &done, nullptr)
				  : bpf_map_delete_elem(fd, keys.data + at * key);
		if (batches && NoBatches(err)) {
			batches = false;
			continue;
		}
		if (err && err != -ENOENT)
			return FaultOf(
			    err, batches ? "bpf(BPF_MAP_DELETE_BATCH)" : "bpf(BPF_MAP_DELETE_ELEM)",
			    bpf_map__name(map));
		/* A batch stops at a missing key, which is skipped. Without an error it did all. */
		at += batches && !err ? count - at : done + 1;
	}
	return {};
}
