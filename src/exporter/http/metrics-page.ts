/**
 * metrics-page.ts - makes pages: everything up to date, frozen at one instant, then written in slices.
 *
 * In:    collect() and stores; what a scrape wants.
 * Out:   one page for all who wanted the same before it was begun. So a page is never older than the wish for it.
 * Fail:  an OS error in collect() (it has .syscall) puts weir_stage_up{stage="collect"} to 0 and the page is made;
 *        any other error is a bug, and goes to whoever waits.
 * Never: holds the thread longer than a slice, however many series: the rings are drained in between.
 */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { constants, createGzip } from 'node:zlib'
import { M } from '../catalog/catalog.js'
import type { Selection } from '../catalog/selection.js'
import { type Format, TRAILERS } from '../exposition/format.js'
import { freeze } from '../exposition/frozen.js'
import { pieces } from '../exposition/text.js'
import { updateStoreMetrics } from '../reduce/budget.js'
import type { SeriesStore } from '../series/series.js'
import { collectInto } from './collect.js'

export interface PageOptions {
  /** Bring the store up to date: pump, sweep, sync. Before every page, and synchronous: a page shows one instant. */
  readonly collect: () => void
  /** Told the OS error that collect() ended with, to be logged. */
  readonly onCollectError?: (error: Error) => void
  readonly store: SeriesStore
  /** Stores of other families, for the same page. */
  readonly otherStores?: () => readonly SeriesStore[]
  /** More exposition text of that format, to stand behind the store's: the group `process`. */
  readonly processText?: (format: Format) => Promise<string>
  /** OpenMetrics: when each counter and histogram began, a line a series more. Default: yes. */
  readonly created?: boolean
}

export interface PageRequest {
  readonly format: Format
  readonly selection: Selection
}

/** Milliseconds: less than a turn of the drain timer. */
const SLICE_MS = 8
/** Bytes that zlib tells at a time. */
const PACKED_BYTES = 1 << 18

/** A page that was made: its parts, and the same gzipped, once however many want it. */
export class Page {
  readonly plain: readonly Buffer[]
  #packed: Promise<readonly Buffer[]> | undefined

  constructor(plain: readonly Buffer[]) {
    this.plain = plain
  }

  /** On the thread pool. */
  packed(): Promise<readonly Buffer[]> {
    this.#packed ??= pack(this.plain)
    return this.#packed
  }
}

export class Pages {
  readonly #options: PageOptions
  /** Pages not begun. */
  readonly #pending = new Map<string, Promise<Page>>()
  /** The one that is being written; one at a time, so that those who come meanwhile share the next. */
  #writing: Promise<unknown> = Promise.resolve()
  /** When everything was last brought up to date. */
  #collected = -Infinity

  constructor(options: PageOptions) {
    this.#options = options
  }

  /** Collect, unless that was done less than `ageMs` ago. */
  upToDate(ageMs: number): void {
    if (performance.now() - this.#collected >= ageMs) this.#collect()
  }

  get(request: PageRequest): Promise<Page> {
    const key = `${request.format} ${request.selection === undefined ? 'all' : [...request.selection].sort().join()}`
    let page = this.#pending.get(key)
    if (page === undefined) {
      page = this.#make(request, () => this.#pending.delete(key))
      this.#pending.set(key, page)
    }
    return page
  }

  /** What takes time comes first, so that the numbers are of the moment when the page is begun. */
  async #make(request: PageRequest, onStart: () => void): Promise<Page> {
    const { processText } = this.#options
    const wanted = request.selection === undefined || request.selection.has('process')
    const more = wanted && processText !== undefined ? await processText(request.format) : ''
    const page = this.#writing.then(() => {
      onStart()
      return this.#write(request, more)
    })
    this.#writing = page
    return page
  }

  async #write({ format, selection }: PageRequest, more: string): Promise<Page> {
    const { store, otherStores, created = true } = this.#options
    this.#collect()
    const others = otherStores?.() ?? []
    const started = performance.now()
    const families = freeze([store, ...others], selection, format === 'openmetrics')
    const parts: Buffer[] = []
    const spent = await inSlices(pieces(families, { format, created }), parts, started)
    parts.push(Buffer.from(more + TRAILERS[format]))
    // Told by the next page: this one is written.
    store.add(store.family(M.stageSeconds).series(['render']), spent / 1000)
    return new Page(parts)
  }

  #collect(): void {
    const { store, otherStores } = this.#options
    this.#collected = performance.now()
    collectInto(this.#options)
    updateStoreMetrics(store, otherStores?.() ?? [])
  }
}

/** Take everything, and let the event loop turn whenever a slice is used up; the milliseconds that it took us. */
async function inSlices(pieces: Iterable<Buffer>, into: Buffer[], started: number): Promise<number> {
  let spent = 0
  let since = started
  for (const piece of pieces) {
    into.push(piece)
    const slice = performance.now() - since
    if (slice < SLICE_MS) continue
    spent += slice
    await nextTurn()
    since = performance.now()
  }
  return spent + performance.now() - since
}

async function pack(parts: readonly Buffer[]): Promise<readonly Buffer[]> {
  const packed: Buffer[] = []
  const gzip = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: PACKED_BYTES })
  await pipeline(Readable.from(parts), gzip, async (source: AsyncIterable<Buffer>) => {
    for await (const part of source) packed.push(part)
  })
  return packed
}
