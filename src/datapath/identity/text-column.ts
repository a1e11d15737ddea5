/**
 * text-column.ts - a text for each row, where hardly two are equal: their bytes, one after the other.
 *
 * In:    rows, dense from 0, and well-formed texts.
 * Out:   a row's text, made when it is asked for; '' for a row that has none, or is none.
 * Never: has more bytes in no use than in use, once they are many; makes a collection of garbage longer, as one string
 *        a row would.
 */
import { NumberColumn } from './number-column.js'

const ROOM = 4_096
/** UTF-8, of a UTF-16 unit. */
const MOST_BYTES = 3
/** Below so many bytes in no use, moving the others is not worth it. */
const LEAST_UNUSED = 1 << 16

export class TextColumn {
  #bytes = Buffer.alloc(ROOM)
  /** Of each row. */
  readonly #starts = new NumberColumn()
  readonly #lengths = new NumberColumn()
  /** Rows are below this. */
  #rows = 0
  #end = 0
  #unused = 0

  /** Held, in use or not. */
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

  /** Move all that is in use together. */
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
