/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tables.h - reads, writes and empties maps in batches.
 *
 * In:    keys and values back to back. A per-CPU map has one value for each possible CPU, each
 *        padded to 8 bytes.
 * Fail:  ENOBUFS when a table does not fit the reader's buffer; EINVAL for inconsistent sizes. A
 *        kernel without batches for a type of map gets one call an entry.
 */
#pragma once

#include "errors.h"
#include "owned.h"

#include <cstdint>

struct Bytes {
	uint8_t *data;
	size_t size;
};

/* Writes key, value, key, value ...; `entries` pairs. */
Fault ReadTable(const bpf_map *map, Bytes into, size_t &entries);

/* Inserts or replaces. */
Fault UpdateTable(const bpf_map *map, Bytes keys, Bytes values, uint32_t count);

/* Missing keys are no error. */
Fault RemoveFromTable(const bpf_map *map, Bytes keys, uint32_t count);
