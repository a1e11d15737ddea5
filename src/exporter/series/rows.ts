/**
 * rows.ts - what a family keeps of each series, in columns: dense from 0, so the last row takes the place of one that goes.
 */

export class SeriesColumns {
  size = 0
  /** First cell. */
  slots = new Uint32Array(16)
  /** Place and bytes of the prefix in the arena. */
  starts = new Uint32Array(16)
  lengths = new Uint32Array(16)
  /** Milliseconds since 1970. */
  created = new Float64Array(16)
  /** What the last sweep saw, and when it last saw it change. */
  seen = new Float64Array(16)
  changed = new Float64Array(16)

  /** A row more; its columns hold anything. */
  add(): number {
    if (this.size === this.slots.length) this.#grow()
    return this.size++
  }

  /** The last row has the number of this one from now on. */
  remove(row: number): void {
    this.copy(--this.size, row)
  }

  /** Another row becomes as this one is. */
  copy(from: number, to: number): void {
    this.slots[to] = this.slots[from]!
    this.starts[to] = this.starts[from]!
    this.lengths[to] = this.lengths[from]!
    this.created[to] = this.created[from]!
    this.seen[to] = this.seen[from]!
    this.changed[to] = this.changed[from]!
  }

  /** Another row is of both from now on: as old as the older, at rest since the later change. */
  merge(from: number, into: number): void {
    this.created[into] = Math.min(this.created[into]!, this.created[from]!)
    this.changed[into] = Math.max(this.changed[into]!, this.changed[from]!)
  }

  #grow(): void {
    const capacity = this.slots.length * 2
    this.slots = whole(this.slots, capacity)
    this.starts = whole(this.starts, capacity)
    this.lengths = whole(this.lengths, capacity)
    this.created = real(this.created, capacity)
    this.seen = real(this.seen, capacity)
    this.changed = real(this.changed, capacity)
  }
}

function whole(column: Uint32Array, capacity: number): Uint32Array<ArrayBuffer> {
  const more = new Uint32Array(capacity)
  more.set(column)
  return more
}

function real(column: Float64Array, capacity: number): Float64Array<ArrayBuffer> {
  const more = new Float64Array(capacity)
  more.set(column)
  return more
}
