// SPDX-License-Identifier: Apache-2.0
/**
 * shared-column.ts - a value for each id where many ids share values: indexes into a table of values.
 *
 * In:    dense ids from 0; values, equal if `keyOf` returns the same key for both.
 * Out:   the value of an id; that of id 0 for an id that was never set.
 * Never: keeps a value that no id has, except that of id 0. An id takes four bytes, so the ids of a whole cluster do not
 *        lengthen garbage collection.
 */
import { NumberColumn } from './number-column.js'

export class SharedColumn<Value> {
  readonly #numbers = new NumberColumn()
  readonly #keyOf: (value: Value) => unknown
  readonly #known = new Map<unknown, number>()
  /** Values by index, each with the number of ids that have it. */
  readonly #values: Value[]
  readonly #users = [0]
  readonly #free: number[] = []

  constructor(first: Value, keyOf: (value: Value) => unknown = value => value) {
    this.#keyOf = keyOf
    this.#values = [first]
    this.#known.set(keyOf(first), 0)
  }

  /** Number of distinct values. */
  get size(): number {
    return this.#known.size
  }

  at(row: number): Value {
    return this.#values[this.#numbers.at(row)]!
  }

  set(row: number, value: Value): void {
    const before = this.#numbers.at(row)
    this.#numbers.set(row, this.#use(value))
    this.#release(before)
  }

  #use(value: Value): number {
    const key = this.#keyOf(value)
    const number = this.#known.get(key) ?? this.#add(key, value)
    this.#users[number]!++
    return number
  }

  #add(key: unknown, value: Value): number {
    const number = this.#free.pop() ?? this.#values.length
    this.#known.set(key, number)
    this.#values[number] = value
    this.#users[number] = 0
    return number
  }

  #release(number: number): void {
    // Ids that were never set have the first value and are not counted.
    if (number === 0) return
    this.#users[number]!--
    if (this.#users[number] !== 0) return
    this.#known.delete(this.#keyOf(this.#values[number]!))
    this.#values[number] = this.#values[0]!
    this.#free.push(number)
  }
}
