// SPDX-License-Identifier: Apache-2.0
/**
 * ring.ts - the kind of ring that carries records: a perf ring, or a BPF ring buffer where perf events are refused.
 *
 * In:    the setting; whether this process may open perf events.
 * Out:   knobs and sizes for the object, and the map to open.
 * Fail:  a perf ring that the kernel refuses: opening it throws the kernel's error.
 */
import type { Native, ObjectOptions } from './native.js'

export type RingKind = 'perf' | 'ringbuf'

/** RING_* of bpf/ring.h. */
const KIND_NUMBER: Readonly<Record<RingKind, number>> = { perf: 0, ringbuf: 1 }
const MAP: Readonly<Record<RingKind, string>> = { perf: 'events', ringbuf: 'event_buffer' }
const PAGE = 4096

export interface Ring extends Pick<ObjectOptions, 'knobs' | 'sizes'> {
  readonly kind: RingKind
  /** The map to open. */
  readonly map: string
  /** Why `auto` chose the ring buffer: the kernel's error for perf events, e.g. EACCES. */
  readonly refusal: string | undefined
}

/**
 * `auto` is the perf ring where the kernel allows it. Debian and Ubuntu set kernel.perf_event_paranoid to 3 or 4, where
 * perf_event_open(2) requires CAP_SYS_ADMIN. `pages`: of the perf ring, for each CPU; a ring buffer is as large as all of
 * them together.
 */
export function chooseRing(native: Native, wanted: RingKind | 'auto', pages: number): Ring {
  const refusal = wanted === 'auto' ? native.perfRefusal() : undefined
  const kind = wanted !== 'auto' ? wanted : refusal === undefined ? 'perf' : 'ringbuf'
  const bytes = kind === 'perf' ? PAGE : powerOfTwo(pages * PAGE * native.possibleCpus())
  return {
    kind,
    map: MAP[kind],
    refusal,
    knobs: { ring_kind: KIND_NUMBER[kind], ring_watermark: bytes / 2 },
    sizes: { event_buffer: bytes },
  }
}

/** At least `least`. */
function powerOfTwo(least: number): number {
  return 2 ** Math.ceil(Math.log2(least))
}
