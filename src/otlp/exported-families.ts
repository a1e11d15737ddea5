/**
 * rows.ts - all series that the worker knows, by family; those that are gone stay until their last value is accepted.
 *
 * In:    messages of the main thread, in order.
 * Out:   families with their rows, for batches.ts.
 * Fail:  past MOST_GONE the oldest of the gone is given up and counted: the receiver can be down for days.
 */

import { Row } from './exported-series.js'
import type { FamilyHead, NewRows, SharedCells, ToWorker } from './message.js'
import { attributeName, attributeValue } from './names.js'

/** As many series as a family may have by default: some 4 MB. */
const MAX_REMOVED = 10_000
/** Punctuation of an attribute in JSON, and what a point has beside attributes and values; a number. */
const ATTRIBUTE_BYTES = 40
const POINT_BYTES = 120
const NUMBER_BYTES = 20

export class KnownFamily {
  readonly head: FamilyHead
  /** Cells of a row. */
  readonly width: number
  readonly rows = new Map<number, Row>()
  readonly gone = new Set<Row>()

  constructor(head: FamilyHead) {
    this.head = head
    this.width = 1 + (head.type === 'histogram' ? head.buckets.length + 2 : 1)
  }
}

export class Rows {
  readonly #families = new Map<number, KnownFamily>()
  /** Families that left, for the last values of their rows. */
  #left: KnownFamily[] = []
  #values: Float64Array = new Float64Array(0)
  #accepted: Float64Array = new Float64Array(0)
  #gone = 0
  #givenUp = 0

  /** Rows that were given up with a value that the receiver does not have. */
  get givenUp(): number {
    return this.#givenUp
  }

  families(): readonly KnownFamily[] {
    return [...this.#families.values(), ...this.#left]
  }

  /** Heed a message about rows. */
  heed(message: Exclude<ToWorker, { kind: 'export' | 'hear' | 'close' }>): void {
    if (message.kind === 'cells') this.#share(message.cells)
    else if (message.kind === 'family') this.#families.set(message.head.number, new KnownFamily(message.head))
    else if (message.kind === 'rows') this.#add(message)
    else if (message.kind === 'gone') this.#remove(message.family, message.ids)
    else this.#removeFamily(message.family)
  }

  /** The last value of a row that is gone was accepted, or there is no sense in sending it. */
  forget(family: KnownFamily, row: Row): void {
    if (family.gone.delete(row)) this.#gone--
    if (family.gone.size === 0) this.#left = this.#left.filter(each => each !== family)
  }

  #share({ values, accepted }: SharedCells): void {
    this.#values = new Float64Array(values)
    this.#accepted = new Float64Array(accepted)
    for (const { rows } of this.#families.values()) {
      for (const row of rows.values()) {
        row.values = this.#values
        row.accepted = this.#accepted
      }
    }
  }

  #add({ family: number, ids, labels, words }: NewRows): void {
    const family = this.#families.get(number)!
    let at = 0
    for (const id of ids) {
      const pairs = labels[at++]!
      const attributes: Record<string, string | number | boolean> = {}
      let bytes = POINT_BYTES + family.width * NUMBER_BYTES
      for (let pair = 0; pair < pairs; pair++) {
        const name = attributeName(family.head, words[labels[at++]!]!)
        const value = words[labels[at++]!]!
        bytes += ATTRIBUTE_BYTES + name.length + value.length
        attributes[name] = attributeValue(name, value)
      }
      family.rows.set(id, new Row(id, attributes, bytes, this.#values, this.#accepted))
    }
  }

  #remove(number: number, ids: Uint32Array): void {
    const family = this.#families.get(number)!
    for (const id of ids) this.#leave(family, id)
  }

  #removeFamily(number: number): void {
    const family = this.#families.get(number)!
    for (const id of [...family.rows.keys()]) this.#leave(family, id)
    this.#families.delete(number)
    if (family.gone.size > 0) this.#left.push(family)
  }

  /** A gauge that is gone has no last value that matters. */
  #leave(family: KnownFamily, id: number): void {
    const row = family.rows.get(id)
    if (row === undefined) return
    family.rows.delete(id)
    if (family.head.type === 'gauge' || !row.owes(family.width)) return
    row.leave(family.width)
    if (this.#gone >= MAX_REMOVED) this.#giveUpOldest()
    family.gone.add(row)
    this.#gone++
  }

  #giveUpOldest(): void {
    const family = this.families().find(each => each.gone.size > 0)
    const [oldest] = family?.gone ?? []
    if (family === undefined || oldest === undefined) return
    this.#givenUp++
    this.forget(family, oldest)
  }
}
