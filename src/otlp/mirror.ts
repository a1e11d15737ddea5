// SPDX-License-Identifier: Apache-2.0
/**
 * mirror.ts - the main thread's side of the push: announces series to the worker and copies their values.
 *
 * In:    series stores, which add, remove and move series and replace families.
 * Out:   messages for the worker, and values in shared cells. The labels of a series are sent once.
 * Fail:  no data makes it throw.
 * Never: announces more than `limit` new series at a time: its thread must also drain the ring.
 *
 * (slot, created) identifies a series: the store moves a series to another index but keeps its slot, and a reused slot has a
 * later creation time.
 */
import type { Family, SeriesStore } from '../exporter/series/series.js'
import { SeriesCells } from './cells.js'
import type { FamilyHead, ToWorker } from './message.js'

export type Post = (message: ToWorker, transfer?: readonly ArrayBuffer[]) => void

/** How many new series one pass may add to the mirror, and announce to the worker. */
interface Limits {
  readonly add: number
  readonly publish: number
}

const ADOPT: Limits = { add: Number.POSITIVE_INFINITY, publish: 0 }
const NONE = 0xffff_ffff
const noSeries = () => ({
  ids: new Uint32Array(0),
  slots: new Uint32Array(0),
  created: new Float64Array(0),
  published: new Uint8Array(0),
  size: 0,
  unpublished: 0,
})

/** The mirror of a family. */
interface MirroredFamily {
  readonly head: FamilyHead
  /** A new object when the family's labels changed; then none of its series is the same. */
  readonly metric: Family['metric']
  /** Cells of a series: its start time and its values. */
  readonly width: number
  /** By index in the family: first shared cell, identity, and whether this worker knows the series. Longer than `size`. */
  ids: Uint32Array
  slots: Uint32Array
  created: Float64Array
  published: Uint8Array
  size: number
  /** Series that have cells and are unknown to this worker. */
  unpublished: number
}

export class Mirror {
  readonly #post: Post
  readonly #cells = new SeriesCells()
  readonly #families = new Map<Family, MirroredFamily>()
  #nextNumber = 0
  /** Time of the previous complete copy; undefined before the first. */
  #lastCopyTime: number | undefined
  #publishedNow = 0

  constructor(post: Post) {
    this.#post = post
  }

  /** The worker has processed all messages, or was replaced by one that gets everything again. */
  acknowledged(): void {
    this.#cells.releaseFreed()
  }

  /**
   * Brings series and values up to date. Returns false when there were more than `limit` new series: call again in another turn
   * of the event loop. `now` is the time of a complete copy.
   */
  sync(stores: readonly SeriesStore[], now: number, limit: number): boolean {
    this.#publishedNow = 0
    // After the clock was set back, new series would look older than the last copy.
    if (this.#lastCopyTime !== undefined && now < this.#lastCopyTime) this.#lastCopyTime = now
    for (const store of stores) {
      for (const family of store.families()) {
        this.#syncFamily(store, family, now, { publish: limit, add: limit })
        if (this.#publishedNow >= limit) return false
      }
    }
    this.#removeOthers(stores)
    this.#lastCopyTime = now
    return true
  }

  /**
   * Call directly after a change that moved counts to other series. Adds those with their values as already exported, because the
   * copy before the change included these counts; sync() announces them later. `now` is the time of the change.
   */
  adopt(stores: readonly SeriesStore[], now: number): void {
    this.#publishedNow = 0
    this.#lastCopyTime = Number.POSITIVE_INFINITY
    for (const store of stores) {
      for (const family of store.families()) this.#syncFamily(store, family, now, ADOPT)
    }
    this.#removeOthers(stores)
    this.#lastCopyTime = now
  }

  /** A new worker knows nothing: the next sync() announces all series again. Accepted values are kept. */
  resync(): void {
    this.#post({ kind: 'cells', cells: this.#cells.shared })
    for (const mirrored of this.#families.values()) {
      this.#post({ kind: 'family', head: mirrored.head })
      mirrored.published.fill(0)
      mirrored.unpublished = mirrored.ids.subarray(0, mirrored.size).filter(id => id !== NONE).length
    }
  }

  /** HOT: each series, each export. `npm run bench otlp` */
  #syncFamily(store: SeriesStore, family: Family, now: number, limits: Limits): void {
    const mirrored = this.#mirroredOf(family)
    const { size } = family
    const { values } = this.#cells
    const { ids, slots, created, width } = mirrored
    let changed = size !== mirrored.size
    const common = Math.min(size, mirrored.size)
    for (let index = 0; index < common; index++) {
      const slot = family.slot(index)
      if (slots[index] !== slot || created[index] !== family.created(index)) {
        changed = true
        continue
      }
      const id = ids[index]!
      for (let i = 1; i < width; i++) values[id + i] = store.get((slot + i - 1) as typeof slot)
    }
    if (changed || mirrored.unpublished > 0) this.#change(store, family, mirrored, now, limits)
  }

  #mirroredOf(family: Family): MirroredFamily {
    const mirrored = this.#families.get(family)
    if (mirrored !== undefined) {
      if (mirrored.metric === family.metric) return mirrored
      this.#removeFamily(family, mirrored)
    }
    const { name, help, type } = family.metric
    const head = { number: this.#nextNumber++, name, help, type, buckets: family.buckets }
    const width = 1 + (type === 'histogram' ? family.buckets.length + 2 : 1)
    const made: MirroredFamily = { head, metric: family.metric, width, ...noSeries() }
    this.#families.set(family, made)
    this.#post({ kind: 'family', head })
    return made
  }

  /** Series were added, removed or moved, or are unknown to this worker. */
  #change(store: SeriesStore, family: Family, mirrored: MirroredFamily, now: number, limits: Limits): void {
    const displaced = takeDisplaced(family, mirrored)
    resize(mirrored, family.size)
    const added: number[] = []
    for (let index = 0; index < family.size; index++) {
      if (mirrored.slots[index] !== NONE) continue
      const moved = takeMoved(displaced, family.slot(index), family.created(index))
      if (moved !== undefined) this.#place(store, family, mirrored, index, moved)
      else if (this.#publishedNow + added.length < limits.add) added.push(index)
    }
    this.#postRemoved(mirrored, displaced)
    for (const index of added) this.#add(store, family, mirrored, index, now)
    this.#publishNew(family, mirrored, limits.publish)
  }

  #add(store: SeriesStore, family: Family, mirrored: MirroredFamily, index: number, now: number): void {
    const { id, grown } = this.#cells.allocate(mirrored.width)
    if (grown) this.#post({ kind: 'cells', cells: this.#cells.shared })
    this.#place(store, family, mirrored, index, { id, created: family.created(index), published: 0 })
    mirrored.unpublished++
    // It is older than the last copy but was not in it: its counts so far were exported under other labels.
    if (this.#lastCopyTime === undefined || family.created(index) >= this.#lastCopyTime) return
    const { values, accepted } = this.#cells
    accepted.set(values.subarray(id, id + mirrored.width), id)
    accepted[id] = now
  }

  #place(
    store: SeriesStore,
    family: Family,
    mirrored: MirroredFamily,
    index: number,
    { id, created, published }: Displaced,
  ): void {
    const slot = family.slot(index)
    mirrored.ids[index] = id
    mirrored.slots[index] = slot
    mirrored.created[index] = created
    mirrored.published[index] = published
    const { values } = this.#cells
    values[id] = created
    for (let i = 1; i < mirrored.width; i++) values[id + i] = store.get((slot + i - 1) as typeof slot)
  }

  #publishNew(family: Family, mirrored: MirroredFamily, limit: number): void {
    const indexes: number[] = []
    for (
      let index = 0;
      mirrored.unpublished > indexes.length && index < mirrored.size && this.#publishedNow + indexes.length < limit;
      index++
    ) {
      if (mirrored.slots[index] !== NONE && mirrored.published[index] === 0) indexes.push(index)
    }
    if (indexes.length === 0) return
    this.#postSeries(family, mirrored, indexes)
    for (const index of indexes) mirrored.published[index] = 1
    mirrored.unpublished -= indexes.length
    this.#publishedNow += indexes.length
  }

  #postSeries(family: Family, { head, ids }: MirroredFamily, indexes: readonly number[]): void {
    const texts = new Map<string, number>()
    const indexOf = (text: string): number => {
      const known = texts.get(text) ?? texts.size
      if (known === texts.size) texts.set(text, known)
      return known
    }
    const labels: number[] = []
    for (const index of indexes) {
      const pairs = family.labels(index)
      labels.push(pairs.length)
      for (const [name, value] of pairs) labels.push(indexOf(name), indexOf(value))
    }
    const own = Uint32Array.from(indexes, index => ids[index]!)
    const packed = Uint32Array.from(labels)
    const message = { kind: 'series', family: head.number, ids: own, labels: packed, texts: [...texts.keys()] } as const
    this.#post(message, [own.buffer, packed.buffer])
  }

  #postRemoved({ head, width }: MirroredFamily, displaced: ReadonlyMap<number, Displaced>): void {
    if (displaced.size === 0) return
    const ids = Uint32Array.from(displaced.values(), ({ id }) => id)
    for (const id of ids) this.#cells.free(width, id)
    this.#post({ kind: 'removed', family: head.number, ids })
  }

  #removeOthers(stores: readonly SeriesStore[]): void {
    const present = new Set(stores.flatMap(store => store.families()))
    for (const [family, mirrored] of this.#families) if (!present.has(family)) this.#removeFamily(family, mirrored)
  }

  #removeFamily(family: Family, mirrored: MirroredFamily): void {
    this.#families.delete(family)
    for (let index = 0; index < mirrored.size; index++) {
      if (mirrored.slots[index] !== NONE) this.#cells.free(mirrored.width, mirrored.ids[index]!)
    }
    this.#post({ kind: 'familyRemoved', family: mirrored.head.number })
  }
}

/** A series that is no longer at its index. */
interface Displaced {
  readonly id: number
  readonly created: number
  readonly published: number
}

function isInPlace(family: Family, mirrored: MirroredFamily, index: number): boolean {
  return (
    index < family.size &&
    mirrored.slots[index] === family.slot(index) &&
    mirrored.created[index] === family.created(index)
  )
}

/** Takes out the series that are no longer at their index, by slot; leaves NONE in their place. */
function takeDisplaced(family: Family, mirrored: MirroredFamily): Map<number, Displaced> {
  const displaced = new Map<number, Displaced>()
  for (let index = 0; index < mirrored.size; index++) {
    if (mirrored.slots[index] === NONE || isInPlace(family, mirrored, index)) continue
    const published = mirrored.published[index]!
    displaced.set(mirrored.slots[index]!, { id: mirrored.ids[index]!, created: mirrored.created[index]!, published })
    mirrored.slots[index] = NONE
    mirrored.ids[index] = NONE
  }
  return displaced
}

/** Takes out a series that moved to another index. */
function takeMoved(displaced: Map<number, Displaced>, slot: number, created: number): Displaced | undefined {
  const series = displaced.get(slot)
  if (series === undefined || series.created !== created) return undefined
  displaced.delete(slot)
  return series
}

/** Makes room for `size` series; new entries are NONE. */
function resize(mirrored: MirroredFamily, size: number): void {
  if (size > mirrored.slots.length) {
    const capacity = Math.max(16, size, mirrored.slots.length * 2)
    mirrored.ids = grown(mirrored.ids, new Uint32Array(capacity))
    mirrored.slots = grown(mirrored.slots, new Uint32Array(capacity))
    mirrored.created = grown(mirrored.created, new Float64Array(capacity))
    mirrored.published = grown(mirrored.published, new Uint8Array(capacity))
  }
  mirrored.slots.fill(NONE, Math.min(mirrored.size, size))
  mirrored.ids.fill(NONE, Math.min(mirrored.size, size))
  mirrored.size = size
}

function grown<T extends Uint32Array | Float64Array | Uint8Array>(from: T, to: T): T {
  to.set(from)
  return to
}
