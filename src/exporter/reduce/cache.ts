/**
 * cache.ts - rows by four small numbers: what an increment depends on, and the slots it leads to.
 *
 * In:    (source entity, destination entity, kind, ends of the packet), each an unsigned 32-bit number.
 * Out:   a row of cells: its key, then one to remember a slot in for each column, all `UNSET` when new.
 * Never: grows past its limit: then it forgets all rows, and slots are looked up by name again.
 * A key and its first slots share a cache line: with keys in an array of their own a record costs a tenth more.
 */

export const UNSET = -1
/** The pairs of 512 entities that all talk with each other. */
export const DEFAULT_LIMIT = 262_144
/** Cells of a row that hold its key. */
export const KEY = 4

export class Cache {
  readonly #limit: number
  /** Cells of a row. */
  readonly #width: number
  #capacity = 1024
  #entries = new Int32Array(this.#capacity).fill(UNSET)
  #size = 0
  /** Of all rows: a column's slot is at row * (KEY + columns) + KEY + column. */
  cells: Int32Array

  /** `limit` rows of 4 * (KEY + columns) bytes, and 4 to 8 more for the table over them. */
  constructor(columns: number, limit = DEFAULT_LIMIT) {
    this.#limit = limit
    this.#width = KEY + columns
    this.cells = new Int32Array((this.#capacity / 2) * this.#width).fill(UNSET)
  }

  /** Rows remembered. */
  get size(): number {
    return this.#size
  }

  source(entry: number): number {
    return this.cells[entry * this.#width]! >>> 0
  }
  destination(entry: number): number {
    return this.cells[entry * this.#width + 1]! >>> 0
  }
  kind(entry: number): number {
    return this.cells[entry * this.#width + 2]! >>> 0
  }
  endpoints(entry: number): number {
    return this.cells[entry * this.#width + 3]! >>> 0
  }

  /** HOT: the row of a key, made when there is none. `npm run bench reduce-weir` */
  entry(source: number, destination: number, kind: number, endpoints = 0): number {
    const { cells } = this
    const rows = this.#entries
    const width = this.#width
    const mask = this.#capacity - 1
    let at = mix(source, destination, kind, endpoints) & mask
    for (;;) {
      const entry = rows[at]!
      if (entry === UNSET) return this.#add(at, source, destination, kind, endpoints)
      const key = entry * width
      const same = cells[key] === (source | 0) && cells[key + 1] === (destination | 0)
      if (same && cells[key + 2] === (kind | 0) && cells[key + 3] === (endpoints | 0)) return entry
      at = (at + 1) & mask
    }
  }

  /** Forget every row: after a change of names or of families. */
  clear(): void {
    this.#entries.fill(UNSET)
    this.cells.fill(UNSET)
    this.#size = 0
  }

  /** Forget the slots that are marked, by slot number: they lead nowhere any more. */
  evictSlots(marked: Uint8Array): void {
    const { cells } = this
    for (let entry = 0; entry < this.#size; entry++) {
      const end = (entry + 1) * this.#width
      for (let cell = end - this.#width + KEY; cell < end; cell++) if (marked[cells[cell]!] === 1) cells[cell] = UNSET
    }
  }

  #add(at: number, source: number, destination: number, kind: number, endpoints: number): number {
    if (this.#size === this.#limit) {
      this.clear()
      return this.entry(source, destination, kind, endpoints)
    }
    if (this.#size === this.#capacity / 2) {
      this.#grow()
      return this.entry(source, destination, kind, endpoints)
    }
    const entry = this.#size++
    const key = entry * this.#width
    this.#entries[at] = entry
    this.cells[key] = source
    this.cells[key + 1] = destination
    this.cells[key + 2] = kind
    this.cells[key + 3] = endpoints
    return entry
  }

  #grow(): void {
    const cells = new Int32Array(this.cells.length * 2).fill(UNSET)
    cells.set(this.cells)
    this.cells = cells
    this.#capacity *= 2
    this.#entries = new Int32Array(this.#capacity).fill(UNSET)
    const mask = this.#capacity - 1
    for (let entry = 0; entry < this.#size; entry++) {
      const key = entry * this.#width
      let at = mix(cells[key]!, cells[key + 1]!, cells[key + 2]!, cells[key + 3]!) & mask
      while (this.#entries[at] !== UNSET) at = (at + 1) & mask
      this.#entries[at] = entry
    }
  }
}

/** Multiplications spread numbers that are dense and small; the xor shift brings high bits down. */
function mix(a: number, b: number, c: number, d: number): number {
  const h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35) ^ Math.imul(d, 0x27d4eb2f)
  return (h ^ (h >>> 15)) >>> 0
}
