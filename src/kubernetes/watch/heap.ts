// SPDX-License-Identifier: Apache-2.0
/**
 * heap.ts - V8 flags for a process that holds a whole cluster.
 *
 * Out:   less memory and shorter pauses for more CPU time: an agent has few cores, and the node's memory belongs to workloads.
 */
import { setFlagsFromString } from 'node:v8'

const FLAGS = [
  // By default a heap may grow to four times the memory in use before the next collection.
  '--heap-growing-percent=40',
  // A parallel pause lasts until the last helper thread has got a CPU, which is slow on a busy node.
  '--no-parallel-scavenge',
  '--no-parallel-compaction',
] as const

/** Applies to all threads of the process from now on. */
export function keepHeapSmall(): void {
  for (const flag of FLAGS) setFlagsFromString(flag)
}
