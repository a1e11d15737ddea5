// SPDX-License-Identifier: Apache-2.0
/**
 * key-table.ts - numbers for keys: hundreds of thousands of pod uids.
 *
 * In:    any text; a UUID in its usual spelling is stored as its sixteen bytes.
 * Out:   a dense number from 1; the number of a removed key is reused.
 * Never: stores the text of a UUID: a string per pod would lengthen every garbage collection.
 */
import { Word4Table } from './address-table.js'
import { NumberColumn } from './number-column.js'

const UUID_LENGTH = 36
const DASH = 0x2d
const WORDS = 4
const DIGITS_PER_WORD = 8

export class KeyTable {
  readonly #uuids = new Word4Table()
  readonly #others = new Map<string, number>()
  /** By number: the words of a UUID, the text of any other key. */
  readonly #words = new NumberColumn()
  readonly #texts = new Map<number, string>()
  readonly #used = new NumberColumn()
  readonly #free: number[] = []
  #end = 1
  readonly #parsed = new Int32Array(WORDS)

  get size(): number {
    return this.#uuids.size + this.#others.size
  }

  /** All numbers are below this. */
  get end(): number {
    return this.#end
  }

  /** The key's number; 0 for none. */
  find(key: string): number {
    return parseUuid(key, this.#parsed) ? this.#findParsed() : (this.#others.get(key) ?? 0)
  }

  /** The key's number; a new one for a new key. */
  add(key: string): number {
    const known = this.find(key)
    if (known !== 0) return known
    const number = this.#free.pop() ?? this.#end++
    this.#used.set(number, 1)
    if (parseUuid(key, this.#parsed)) this.#addParsed(number)
    else {
      this.#texts.set(number, key)
      this.#others.set(key, number)
    }
    return number
  }

  remove(number: number): void {
    if (!this.has(number)) return
    const text = this.#texts.get(number)
    if (text === undefined) this.#removeWords(number * WORDS)
    else {
      this.#texts.delete(number)
      this.#others.delete(text)
    }
    this.#used.set(number, 0)
    this.#free.push(number)
  }

  has(number: number): boolean {
    return this.#used.at(number) === 1
  }

  /** The key of a number in use. */
  text(number: number): string {
    return this.#texts.get(number) ?? formatUuid(this.#words, number * WORDS)
  }

  #findParsed(): number {
    const [a, b, c, d] = this.#parsed
    return this.#uuids.find(a!, b!, c!, d!)
  }

  #addParsed(number: number): void {
    this.#parsed.forEach((word, i) => {
      this.#words.set(number * WORDS + i, word)
    })
    const [a, b, c, d] = this.#parsed
    this.#uuids.set(a!, b!, c!, d!, number)
  }

  #removeWords(at: number): void {
    const [a, b, c, d] = [0, 1, 2, 3].map(i => this.#words.at(at + i) | 0)
    this.#uuids.delete(a!, b!, c!, d!)
  }
}

/** Parses a lower-case UUID with dashes into words; returns whether it is one. */
function parseUuid(text: string, words: Int32Array): boolean {
  if (text.length !== UUID_LENGTH) return false
  let word = 0
  let digits = 0
  for (let i = 0; i < UUID_LENGTH; i++) {
    const code = text.charCodeAt(i)
    if (i === 8 || i === 13 || i === 18 || i === 23) {
      if (code !== DASH) return false
      continue
    }
    const digit = hexDigit(code)
    if (digit < 0) return false
    word = (word << 4) | digit
    digits++
    if (digits % DIGITS_PER_WORD === 0) words[digits / DIGITS_PER_WORD - 1] = word
  }
  return true
}

/** Value of a lower-case hexadecimal digit; -1 for other characters. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  return code >= 0x61 && code <= 0x66 ? code - 0x61 + 10 : -1
}

function formatUuid(words: NumberColumn, at: number): string {
  let digits = ''
  for (let i = 0; i < WORDS; i++)
    digits += words
      .at(at + i)
      .toString(16)
      .padStart(DIGITS_PER_WORD, '0')
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join(
    '-',
  )
}
