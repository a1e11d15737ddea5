/**
 * shared-column.ts - a value for each row, where many rows have equal ones: numbers into a table of values.
 *
 * In:    rows, dense from 0; values, equal when `keyOf` says the same of both.
 * Out:   a row's value; the first one, row 0's, for a number that is no row's.
 * Never: keeps a value that no row has, the first one aside. Four bytes a row, so the rows of a whole cluster make no
 *        collection of garbage longer.
 */
import { NumberColumn } from './number-column.js'

export class SharedColumn<Value> {
  readonly #numbers = new NumberColumn()
  readonly #keyOf: (value: Value) => unknown
  readonly #known = new Map<unknown, number>()
  /** By number, and how many rows have it. */
  readonly #values: Value[]
  readonly #users = [0]
  readonly #free: number[] = []

  constructor(first: Value, keyOf: (value: Value) => unknown = value => value) {
    this.#keyOf = keyOf
    this.#values = [first]
    this.#known.set(keyOf(first), 0)
  }

  /** Different values. */
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
    // Rows that were never set have the first one and are not counted.
    if (number === 0) return
    this.#users[number]!--
    if (this.#users[number] !== 0) return
    this.#known.delete(this.#keyOf(this.#values[number]!))
    this.#values[number] = this.#values[0]!
    this.#free.push(number)
  }
}
