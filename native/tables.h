/*
 * tables.h - maps read, written and emptied in batches.
 *
 * In:   keys and values back to back. A per-CPU map's value is one for each possible CPU, each
 * padded to 8. Fail: ENOBUFS when a table does not fit the reader's buffer; EINVAL when sizes
 * contradict each other. A kernel that has no batches for a map's type gets one call an entry.
 */
#pragma once

#include "errors.h"
#include "owned.h"

#include <cstdint>

struct Bytes {
	uint8_t *data;
	size_t size;
};

/* key, value, key, value ...; `entries` of them. */
Fault ReadTable(const bpf_map *map, Bytes into, size_t &entries);

/* Insert or replace. */
Fault UpdateTable(const bpf_map *map, Bytes keys, Bytes values, uint32_t count);

/* A missing key is fine. */
Fault RemoveFromTable(const bpf_map *map, Bytes keys, uint32_t count);
