// SPDX-License-Identifier: Apache-2.0
/**
 * text-column.ts - a text for each id where hardly any two are equal: their bytes, one after the other.
 *
 * In:    dense ids from 0, and well-formed texts.
 * Out:   the text of an id, decoded on demand; '' for an id without one.
 * Never: keeps more unused bytes than used ones beyond a minimum; lengthens garbage collection, as a string per id would.
 */
import { NumberColumn } from './number-column.js'

const ROOM = 4_096
/** Most UTF-8 bytes for one UTF-16 unit. */
const MOST_BYTES = 3
/** With fewer unused bytes than this, compaction is not worth it. */
const LEAST_UNUSED = 1 << 16

export class TextColumn {
  #bytes = Buffer.alloc(ROOM)
  /** By id. */
  readonly #starts = new NumberColumn()
  readonly #lengths = new NumberColumn()
  /** All ids are below this. */
  #rows = 0
  #end = 0
  #unused = 0

  /** Bytes allocated, used or not. */
  get bytes(): number {
    return this.#bytes.length
  }

  at(row: number): string {
    const start = this.#starts.at(row)
    return this.#bytes.toString('utf8', start, start + this.#lengths.at(row))
  }

  set(row: number, text: string): void {
    this.#unused += this.#lengths.at(row)
    this.#lengths.set(row, 0)
    this.#rows = Math.max(this.#rows, row + 1)
    if (this.#unused > LEAST_UNUSED && this.#unused * 2 > this.#end) this.#close()
    this.#reserve(text.length * MOST_BYTES)
    const length = this.#bytes.write(text, this.#end)
    this.#starts.set(row, this.#end)
    this.#lengths.set(row, length)
    this.#end += length
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(this.#bytes.length * 2 + bytes)
    this.#bytes.copy(larger, 0, 0, this.#end)
    this.#bytes = larger
  }

  /** Compacts the used bytes. */
  #close(): void {
    const closed = Buffer.allocUnsafeSlow(this.#bytes.length)
    let end = 0
    for (let row = 0; row < this.#rows; row++) {
      const start = this.#starts.at(row)
      this.#starts.set(row, end)
      end += this.#bytes.copy(closed, end, start, start + this.#lengths.at(row))
    }
    this.#bytes = closed
    this.#end = end
    this.#unused = 0
  }
}
