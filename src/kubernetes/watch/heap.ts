/**
 * heap.ts - how V8 keeps the heap of a process that knows a whole cluster.
 *
 * Out:   less memory and shorter pauses for more work: an agent has few cores, and its node's memory is others'.
 */
import { setFlagsFromString } from 'node:v8'

const FLAGS = [
  // Else a heap may grow to four times what is in use before garbage is looked for.
  '--heap-growing-percent=40',
  // A pause that is shared with helper threads lasts until the last of them got a CPU, and others want it, too.
  '--no-parallel-scavenge',
  '--no-parallel-compaction',
] as const

/** For all threads of the process, from now on. */
export function keepHeapSmall(): void {
  for (const flag of FLAGS) setFlagsFromString(flag)
}
