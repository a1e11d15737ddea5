/**
 * cells.ts - numbers that the main thread and the worker share: of each row when it began and its values, twice.
 *
 * In:    rows by their width; ids are indices of their first cells.
 * Out:   `values` (as they are now) and `accepted` (as the receiver has them); both outlive the worker.
 * Never: gives a freed row away before the worker has heard that it is gone: settle() says so.
 */
import type { SharedCells } from './message.js'

const FIRST_CELLS = 1024
const BYTES = Float64Array.BYTES_PER_ELEMENT

export class RowCells {
  values = new Float64Array(new SharedArrayBuffer(FIRST_CELLS * BYTES))
  accepted = new Float64Array(new SharedArrayBuffer(FIRST_CELLS * BYTES))
  #taken = 0
  /** Ids by width that may be given away, and those that may after the next export. */
  readonly #free = new Map<number, number[]>()
  #freed: [width: number, id: number][] = []

  get shared(): SharedCells {
    return { values: this.values.buffer as SharedArrayBuffer, accepted: this.accepted.buffer as SharedArrayBuffer }
  }

  /** A row of `width` cells, accepted as 0; true beside it when the arrays are others now. */
  take(width: number): { id: number; grown: boolean } {
    const known = this.#free.get(width)?.pop()
    const id = known ?? this.#taken
    if (known === undefined) this.#taken += width
    const grown = this.#taken > this.values.length
    if (grown) this.#grow()
    this.accepted.fill(0, id, id + width)
    return { id, grown }
  }

  free(width: number, id: number): void {
    this.#freed.push([width, id])
  }

  /** The worker has heard of all that were freed. */
  settle(): void {
    for (const [width, id] of this.#freed) {
      const ids = this.#free.get(width)
      if (ids === undefined) this.#free.set(width, [id])
      else ids.push(id)
    }
    this.#freed = []
  }

  #grow(): void {
    const cells = Math.max(this.values.length * 2, this.#taken)
    this.values = grownCopy(this.values, cells)
    this.accepted = grownCopy(this.accepted, cells)
  }
}

function grownCopy(from: Float64Array, cells: number): Float64Array<SharedArrayBuffer> {
  const to = new Float64Array(new SharedArrayBuffer(cells * BYTES))
  to.set(from)
  return to
}
