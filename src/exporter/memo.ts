/**
 * memo.ts - rows by three small numbers: what an increment depends on, and the slots it leads to.
 *
 * In:    (source entity, destination entity, kind), each an unsigned 32-bit number.
 * Out:   a row of COLUMNS cells to remember slots in, all `UNSET` when new.
 * Never: grows past its limit: then it forgets all rows, and slots are looked up by name again.
 */

export const UNSET = -1
/** The pairs of 512 entities that all talk with each other. */
export const DEFAULT_LIMIT = 262_144

export class Memo {
  readonly #limit: number
  #capacity = 1024
  #keys = new Uint32Array(this.#capacity * 3)
  #rows = new Int32Array(this.#capacity).fill(UNSET)
  #size = 0
  /** Cells of all rows: row * columns + column. */
  cells: Int32Array

  /** `limit` rows of 12 + 4 * columns bytes, and 4 to 8 more for the table over them. */
  constructor(columns: number, limit = DEFAULT_LIMIT) {
    this.#limit = limit
    this.cells = new Int32Array((this.#capacity / 2) * columns).fill(UNSET)
  }

  /** Rows remembered. */
  get size(): number {
    return this.#size
  }

  source(row: number): number {
    return this.#keys[row * 3]!
  }
  destination(row: number): number {
    return this.#keys[row * 3 + 1]!
  }
  kind(row: number): number {
    return this.#keys[row * 3 + 2]!
  }

  /** HOT: the row of a key, made when there is none. `npm run bench reduce-weir` */
  row(source: number, destination: number, kind: number): number {
    const keys = this.#keys
    const mask = this.#capacity - 1
    let at = mix(source, destination, kind) & mask
    for (;;) {
      const row = this.#rows[at]!
      if (row === UNSET) return this.#add(at, source, destination, kind)
      const key = row * 3
      if (keys[key] === source && keys[key + 1] === destination && keys[key + 2] === kind) return row
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
    for (let cell = 0; cell < cells.length; cell++) if (marked[cells[cell]!] === 1) cells[cell] = UNSET
  }

  #add(at: number, source: number, destination: number, kind: number): number {
    if (this.#size === this.#limit) {
      this.clear()
      return this.row(source, destination, kind)
    }
    if (this.#size === this.#capacity / 2) {
      this.#grow()
      return this.row(source, destination, kind)
    }
    const row = this.#size++
    this.#rows[at] = row
    this.#keys[row * 3] = source
    this.#keys[row * 3 + 1] = destination
    this.#keys[row * 3 + 2] = kind
    return row
  }

  #grow(): void {
    const cells = new Int32Array(this.cells.length * 2).fill(UNSET)
    cells.set(this.cells)
    this.cells = cells
    const keys = new Uint32Array(this.#keys.length * 2)
    keys.set(this.#keys)
    this.#keys = keys
    this.#capacity *= 2
    this.#rows = new Int32Array(this.#capacity).fill(UNSET)
    const mask = this.#capacity - 1
    for (let row = 0; row < this.#size; row++) {
      let at = mix(keys[row * 3]!, keys[row * 3 + 1]!, keys[row * 3 + 2]!) & mask
      while (this.#rows[at] !== UNSET) at = (at + 1) & mask
      this.#rows[at] = row
    }
  }
}

/** Three multiplications spread numbers that are dense and small; the xor shift brings high bits down. */
function mix(a: number, b: number, c: number): number {
  const h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35)
  return (h ^ (h >>> 15)) >>> 0
}
