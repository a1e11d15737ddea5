/**
 * memo.ts - rows by four small numbers: what an increment depends on, and the slots it leads to.
 *
 * In:    (source entity, destination entity, kind, ends of the packet), each an unsigned 32-bit number.
 * Out:   a row of COLUMNS cells to remember slots in, all `UNSET` when new.
 * Never: grows past its limit: then it forgets all rows, and slots are looked up by name again.
 */

export const UNSET = -1
/** The pairs of 512 entities that all talk with each other. */
export const DEFAULT_LIMIT = 262_144

export class Memo {
  readonly #limit: number
  #capacity = 1024
  #keys = new Uint32Array(this.#capacity * 4)
  #rows = new Int32Array(this.#capacity).fill(UNSET)
  #size = 0
  /** Cells of all rows: row * columns + column. */
  cells: Int32Array

  /** `limit` rows of 16 + 4 * columns bytes, and 4 to 8 more for the table over them. */
  constructor(columns: number, limit = DEFAULT_LIMIT) {
    this.#limit = limit
    this.cells = new Int32Array((this.#capacity / 2) * columns).fill(UNSET)
  }

  /** Rows remembered. */
  get size(): number {
    return this.#size
  }

  source(row: number): number {
    return this.#keys[row * 4]!
  }
  destination(row: number): number {
    return this.#keys[row * 4 + 1]!
  }
  kind(row: number): number {
    return this.#keys[row * 4 + 2]!
  }
  ends(row: number): number {
    return this.#keys[row * 4 + 3]!
  }

  /** HOT: the row of a key, made when there is none. `npm run bench reduce-weir` */
  row(source: number, destination: number, kind: number, ends = 0): number {
    const keys = this.#keys
    const mask = this.#capacity - 1
    let at = mix(source, destination, kind, ends) & mask
    for (;;) {
      const row = this.#rows[at]!
      if (row === UNSET) return this.#add(at, source, destination, kind, ends)
      const key = row * 4
      if (keys[key + 1] === destination && keys[key] === source && keys[key + 2] === kind && keys[key + 3] === ends) {
        return row
      }
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
    this.#rows[at] = row
    this.#keys[row * 4] = source
    this.#keys[row * 4 + 1] = destination
    this.#keys[row * 4 + 2] = kind
    this.#keys[row * 4 + 3] = ends
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
      const key = row * 4
      let at = mix(keys[key]!, keys[key + 1]!, keys[key + 2]!, keys[key + 3]!) & mask
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
