/**
 * key-table.ts - keys of what stands somewhere as small numbers: a cluster's uids, hundreds of thousands of them.
 *
 * In:    any text; a UUID in its usual spelling is kept as its sixteen bytes.
 * Out:   a number from 1, dense; that of a key which was removed is given again.
 * Never: keeps the text of a UUID: as many strings as there are pods make every collection of garbage longer.
 */
import { Word4Table } from './address-table.js'

const UUID_LENGTH = 36
const DASH = 0x2d
/** Where a UUID has its dashes. */
const DASHES: ReadonlySet<number> = new Set([8, 13, 18, 23])
const WORDS = 4
const DIGITS_PER_WORD = 8

export class KeyTable {
  readonly #uuids = new Word4Table()
  readonly #others = new Map<string, number>()
  /** By number: the text, or '' of a UUID, whose words are in #words. */
  readonly #texts: string[] = ['']
  #words = new Int32Array(WORDS * 256)
  readonly #used: boolean[] = [false]
  readonly #free: number[] = []
  readonly #parsed = new Int32Array(WORDS)

  get size(): number {
    return this.#uuids.size + this.#others.size
  }

  /** Numbers are below this. */
  get end(): number {
    return this.#texts.length
  }

  /** The key's number; 0 for none. */
  find(key: string): number {
    return parseUuid(key, this.#parsed) ? this.#findParsed() : (this.#others.get(key) ?? 0)
  }

  /** The key's number, a new one if it has none. */
  add(key: string): number {
    const isUuid = parseUuid(key, this.#parsed)
    const known = isUuid ? this.#findParsed() : (this.#others.get(key) ?? 0)
    if (known !== 0) return known
    const number = this.#free.pop() ?? this.#texts.length
    this.#texts[number] = isUuid ? '' : key
    this.#used[number] = true
    if (isUuid) this.#addParsed(number)
    else this.#others.set(key, number)
    return number
  }

  remove(number: number): void {
    if (!this.has(number)) return
    if (this.#texts[number] === '') {
      const [words, at] = [this.#words, number * WORDS]
      this.#uuids.delete(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!)
    } else this.#others.delete(this.#texts[number]!)
    this.#texts[number] = ''
    this.#used[number] = false
    this.#free.push(number)
  }

  has(number: number): boolean {
    return this.#used[number] === true
  }

  /** The key of a number in use. */
  text(number: number): string {
    return this.#texts[number] || formatUuid(this.#words, number * WORDS)
  }

  #findParsed(): number {
    const [a, b, c, d] = this.#parsed
    return this.#uuids.find(a!, b!, c!, d!)
  }

  #addParsed(number: number): void {
    while ((number + 1) * WORDS > this.#words.length) this.#words = twice(this.#words)
    this.#words.set(this.#parsed, number * WORDS)
    const [a, b, c, d] = this.#parsed
    this.#uuids.set(a!, b!, c!, d!, number)
  }
}

/** Whether it is one in lower case, with its dashes; then its words. */
function parseUuid(text: string, words: Int32Array): boolean {
  if (text.length !== UUID_LENGTH) return false
  let word = 0
  let digits = 0
  for (let i = 0; i < UUID_LENGTH; i++) {
    const code = text.charCodeAt(i)
    if (DASHES.has(i)) {
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

/** Of a lower-case digit; -1 for what is none. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  return code >= 0x61 && code <= 0x66 ? code - 0x61 + 10 : -1
}

function formatUuid(words: Int32Array, at: number): string {
  let digits = ''
  for (let i = 0; i < WORDS; i++) digits += (words[at + i]! >>> 0).toString(16).padStart(DIGITS_PER_WORD, '0')
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join(
    '-',
  )
}

function twice(words: Int32Array): Int32Array<ArrayBuffer> {
  const more = new Int32Array(words.length * 2)
  more.set(words)
  return more
}
