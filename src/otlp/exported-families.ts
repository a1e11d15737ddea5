// SPDX-License-Identifier: Apache-2.0
/**
 * exported-families.ts - all series in the worker, by family. Removed series stay until their last value is accepted.
 *
 * In:    messages of the main thread, in order.
 * Out:   families with their series, for batches.ts.
 * Fail:  past MAX_REMOVED the oldest removed series is dropped and counted: a receiver can be down for days.
 */
import { ExportedSeries } from './exported-series.js'
import type { FamilyHead, NewSeries, SharedCells, ToWorker } from './message.js'
import { attributeName, attributeValue } from './names.js'

/** The default limit of series in one family: some 4 MB. */
const MAX_REMOVED = 10_000
/** JSON bytes of an attribute without name and value, of a point without attributes and values, and of a number. */
const ATTRIBUTE_BYTES = 40
const POINT_BYTES = 120
const NUMBER_BYTES = 20

export class ExportedFamily {
  readonly head: FamilyHead
  /** Cells of a series. */
  readonly width: number
  readonly series = new Map<number, ExportedSeries>()
  readonly removed = new Set<ExportedSeries>()

  constructor(head: FamilyHead) {
    this.head = head
    this.width = 1 + (head.type === 'histogram' ? head.buckets.length + 2 : 1)
  }
}

export class ExportedFamilies {
  readonly #families = new Map<number, ExportedFamily>()
  /** Removed families with unreported values. */
  #removedFamilies: ExportedFamily[] = []
  #values: Float64Array = new Float64Array(0)
  #accepted: Float64Array = new Float64Array(0)
  #removedSeries = 0
  #dropped = 0

  /** Series dropped with a value that the receiver does not have. */
  get dropped(): number {
    return this.#dropped
  }

  families(): readonly ExportedFamily[] {
    return [...this.#families.values(), ...this.#removedFamilies]
  }

  apply(message: Exclude<ToWorker, { kind: 'export' | 'acknowledge' }>): void {
    if (message.kind === 'cells') this.#share(message.cells)
    else if (message.kind === 'family') this.#families.set(message.head.number, new ExportedFamily(message.head))
    else if (message.kind === 'series') this.#add(message)
    else if (message.kind === 'removed') this.#remove(message.family, message.ids)
    else this.#removeFamily(message.family)
  }

  /** Forgets a removed series: its last value was accepted or is not worth sending. */
  forget(family: ExportedFamily, series: ExportedSeries): void {
    if (family.removed.delete(series)) this.#removedSeries--
    if (family.removed.size === 0) this.#removedFamilies = this.#removedFamilies.filter(each => each !== family)
  }

  #share({ values, accepted }: SharedCells): void {
    this.#values = new Float64Array(values)
    this.#accepted = new Float64Array(accepted)
    for (const family of this.#families.values()) {
      for (const series of family.series.values()) {
        series.values = this.#values
        series.accepted = this.#accepted
      }
    }
  }

  #add({ family: number, ids, labels, texts }: NewSeries): void {
    const family = this.#families.get(number)!
    let at = 0
    for (const id of ids) {
      const pairs = labels[at++]!
      const attributes: Record<string, string | number | boolean> = {}
      let bytes = POINT_BYTES + family.width * NUMBER_BYTES
      for (let pair = 0; pair < pairs; pair++) {
        const name = attributeName(family.head, texts[labels[at++]!]!)
        const value = texts[labels[at++]!]!
        bytes += ATTRIBUTE_BYTES + name.length + value.length
        attributes[name] = attributeValue(name, value)
      }
      family.series.set(id, new ExportedSeries(id, attributes, bytes, this.#values, this.#accepted))
    }
  }

  #remove(number: number, ids: Uint32Array): void {
    const family = this.#families.get(number)!
    for (const id of ids) this.#removeSeries(family, id)
  }

  #removeFamily(number: number): void {
    const family = this.#families.get(number)!
    for (const id of [...family.series.keys()]) this.#removeSeries(family, id)
    this.#families.delete(number)
    if (family.removed.size > 0) this.#removedFamilies.push(family)
  }

  /** The last value of a removed gauge does not matter. */
  #removeSeries(family: ExportedFamily, id: number): void {
    const series = family.series.get(id)
    if (series === undefined) return
    family.series.delete(id)
    // Also one that is not kept: a batch in doubt may contain it, and must not be accepted into cells of another series.
    series.detach(family.width)
    if (family.head.type === 'gauge' || !series.isUnreported(family.width)) return
    if (this.#removedSeries >= MAX_REMOVED) this.#dropOldest()
    family.removed.add(series)
    this.#removedSeries++
  }

  #dropOldest(): void {
    const family = this.families().find(each => each.removed.size > 0)
    const [oldest] = family?.removed ?? []
    if (family === undefined || oldest === undefined) return
    this.#dropped++
    this.forget(family, oldest)
  }
}
