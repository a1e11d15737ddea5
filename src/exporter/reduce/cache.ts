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
  #rows = new Int32Array(this.#capacity).fill(UNSET)
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

  source(row: number): number {
    return this.cells[row * this.#width]! >>> 0
  }
  destination(row: number): number {
    return this.cells[row * this.#width + 1]! >>> 0
  }
  kind(row: number): number {
    return this.cells[row * this.#width + 2]! >>> 0
  }
  ends(row: number): number {
    return this.cells[row * this.#width + 3]! >>> 0
  }

  /** HOT: the row of a key, made when there is none. `npm run bench reduce-weir` */
  row(source: number, destination: number, kind: number, ends = 0): number {
    const { cells } = this
    const rows = this.#rows
    const width = this.#width
    const mask = this.#capacity - 1
    let at = mix(source, destination, kind, ends) & mask
    for (;;) {
      const row = rows[at]!
      if (row === UNSET) return this.#add(at, source, destination, kind, ends)
      const key = row * width
      const same = cells[key] === (source | 0) && cells[key + 1] === (destination | 0)
      if (same && cells[key + 2] === (kind | 0) && cells[key + 3] === (ends | 0)) return row
      at = (at + 1) & mask
    }
  }

  /** Forget every row: after a change of names or of families. */
  clear(): void {
    this.#rows.fill(UNSET)
    this.cells.fill(UNSET)
    this.#size = 0
  }

  /** Forget the slots that are marked, by slot number: they lead nowhere any more. */
  forgetSlots(marked: Uint8Array): void {
    const { cells } = this
    for (let row = 0; row < this.#size; row++) {
      const end = (row + 1) * this.#width
      for (let cell = end - this.#width + KEY; cell < end; cell++) if (marked[cells[cell]!] === 1) cells[cell] = UNSET
    }
  }

  #add(at: number, source: number, destination: number, kind: number, ends: number): number {
    if (this.#size === this.#limit) {
      this.clear()
      return this.row(source, destination, kind, ends)
    }
    if (this.#size === this.#capacity / 2) {
      this.#grow()
      return this.row(source, destination, kind, ends)
    }
    const row = this.#size++
    const key = row * this.#width
    this.#rows[at] = row
    this.cells[key] = source
    this.cells[key + 1] = destination
    this.cells[key + 2] = kind
    this.cells[key + 3] = ends
    return row
  }

  #grow(): void {
    const cells = new Int32Array(this.cells.length * 2).fill(UNSET)
    cells.set(this.cells)
    this.cells = cells
    this.#capacity *= 2
    this.#rows = new Int32Array(this.#capacity).fill(UNSET)
    const mask = this.#capacity - 1
    for (let row = 0; row < this.#size; row++) {
      const key = row * this.#width
      let at = mix(cells[key]!, cells[key + 1]!, cells[key + 2]!, cells[key + 3]!) & mask
      while (this.#rows[at] !== UNSET) at = (at + 1) & mask
      this.#rows[at] = row
    }
  }
}

/** Multiplications spread numbers that are dense and small; the xor shift brings high bits down. */
function mix(a: number, b: number, c: number, d: number): number {
  const h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35) ^ Math.imul(d, 0x27d4eb2f)
  return (h ^ (h >>> 15)) >>> 0
}
