// SPDX-License-Identifier: Apache-2.0
/**
 * list-items.ts - splits a list into its items while it arrives.
 *
 * In:    chunks of one JSON object with a key `items`, split anywhere.
 * Out:   the text of each item as soon as it is complete; at the end the object without its items.
 * Fail:  end() throws when the object is incomplete or not JSON.
 * Never: buffers more than one item and the head, so a server that ignores `limit` and sends 150,000 pods at once (as all versions
 *        before 1.34 do when they answer from their cache) costs no more memory than a page.
 */
import { ApiError } from './api-error.js'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
/** Nesting depth of the list's own keys, and of its items. */
const TOP = 1
const ITEM = 2
/** An object in etcd has at most 1.5 MiB; the metadata of a list some hundred bytes. */
const MAX_PART_BYTES = 8 << 20
const ITEMS = Buffer.from('items')

export class ListItems {
  #depth = 0
  #inString = false
  #escaped = false
  #inItems = false
  /** Bytes of the current or last top-level string that match `items` so far. */
  #key = 0
  #keyMatches = false
  #around: Buffer[] = []
  #item: Buffer[] = []
  #buffered = 0

  push(chunk: Buffer, sink: (item: string) => void): void {
    let from = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!
      if (this.#inString) {
        this.#string(byte)
      } else if (byte === QUOTE) {
        this.#inString = true
        this.#key = 0
        this.#keyMatches = true
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (this.#inItems && this.#depth === ITEM) from = at
        this.#depth++
        if (byte === OPEN_BRACKET && this.#depth === ITEM && this.#isItems()) {
          this.#keep(this.#around, chunk.subarray(from, at + 1))
          this.#inItems = true
        }
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        this.#depth--
        if (this.#inItems && this.#depth === ITEM) sink(this.#whole(chunk.subarray(from, at + 1)))
        if (this.#inItems && this.#depth === TOP) {
          this.#inItems = false
          from = at
        }
      }
    }
    if (!this.#inItems) this.#keep(this.#around, chunk.subarray(from))
    else if (this.#depth > ITEM) this.#keep(this.#item, chunk.subarray(from))
  }

  /** The object without its items. */
  end(): unknown {
    if (this.#depth !== 0) throw new ApiError('cut', 'the list is incomplete')
    return JSON.parse(Buffer.concat(this.#around).toString())
  }

  #string(byte: number): void {
    if (this.#escaped) this.#escaped = false
    else if (byte === BACKSLASH) this.#escaped = true
    else if (byte === QUOTE) {
      this.#inString = false
      return
    }
    if (this.#depth === TOP) this.#keyMatches &&= ITEMS[this.#key++] === byte
  }

  /** Whether the key before this bracket is `items`. */
  #isItems(): boolean {
    return this.#keyMatches && this.#key === ITEMS.length
  }

  #whole(last: Buffer): string {
    if (this.#item.length === 0) return last.toString()
    this.#item.push(last)
    const text = Buffer.concat(this.#item).toString()
    this.#item = []
    this.#buffered = 0
    return text
  }

  #keep(parts: Buffer[], part: Buffer): void {
    this.#buffered += part.length
    if (this.#buffered > MAX_PART_BYTES)
      throw new ApiError('malformed', `a part of the list is longer than ${MAX_PART_BYTES} bytes`)
    parts.push(part)
  }
}
