// SPDX-License-Identifier: Apache-2.0
/**
 * cells.ts - the shared memory of main thread and worker: a start time and the values of each series, once as they are and once
 * as the receiver has them.
 *
 * In:    the width of a series. Its id is the index of its first cell.
 * Out:   `values` (current) and `accepted` (what the receiver has); both outlive the worker.
 * Never: reuses freed cells before the worker knows that their series was removed, see releaseFreed().
 */
import type { SharedCells } from './message.js'

const FIRST_CELLS = 1024
const BYTES = Float64Array.BYTES_PER_ELEMENT

export class SeriesCells {
  values = new Float64Array(new SharedArrayBuffer(FIRST_CELLS * BYTES))
  accepted = new Float64Array(new SharedArrayBuffer(FIRST_CELLS * BYTES))
  #allocated = 0
  /** Ids that can be reused, by width; then those that can after the next acknowledgement. */
  readonly #free = new Map<number, number[]>()
  #freed: [width: number, id: number][] = []

  get shared(): SharedCells {
    return { values: this.values.buffer as SharedArrayBuffer, accepted: this.accepted.buffer as SharedArrayBuffer }
  }

  /** Allocates `width` cells, accepted as 0. `grown`: the arrays were replaced by larger ones. */
  allocate(width: number): { id: number; grown: boolean } {
    const known = this.#free.get(width)?.pop()
    const id = known ?? this.#allocated
    if (known === undefined) this.#allocated += width
    const grown = this.#allocated > this.values.length
    if (grown) this.#grow()
    this.accepted.fill(0, id, id + width)
    return { id, grown }
  }

  free(width: number, id: number): void {
    this.#freed.push([width, id])
  }

  /** The worker knows of all freed ids. */
  releaseFreed(): void {
    for (const [width, id] of this.#freed) {
      const ids = this.#free.get(width)
      if (ids === undefined) this.#free.set(width, [id])
      else ids.push(id)
    }
    this.#freed = []
  }

  #grow(): void {
    const cells = Math.max(this.values.length * 2, this.#allocated)
    this.values = grownCopy(this.values, cells)
    this.accepted = grownCopy(this.accepted, cells)
  }
}

function grownCopy(from: Float64Array, cells: number): Float64Array<SharedArrayBuffer> {
  const to = new Float64Array(new SharedArrayBuffer(cells * BYTES))
  to.set(from)
  return to
}
