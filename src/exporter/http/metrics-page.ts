// SPDX-License-Identifier: Apache-2.0
/**
 * metrics-page.ts - builds metrics pages: collects, freezes all families at one instant, then writes them in slices.
 *
 * In:    collect(), the stores, and the format and groups a scrape asks for.
 * Out:   a page. Scrapes that ask for the same before it is started share it, so a page is never older than its request.
 * Fail:  an OS error in collect() (it has .syscall) sets weir_stage_up{stage="collect"} to 0 and the page is built anyway.
 *        Any other error is a bug and rejects the page's promise.
 * Never: blocks the thread for longer than a slice, however many series there are: the rings are drained in between.
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
import { updateStoreMetrics } from '../reduce/store-metrics.js'
import type { SeriesStore } from '../series/series.js'
import { collectInto } from './collect.js'

export interface PageOptions {
  /** Drains the ring and flushes the kernel tables into the store. Runs before every page, synchronously: a page shows one instant. */
  readonly collect: () => void
  /** Called with the OS error of a failed collect(), for the log. */
  readonly onCollectError?: (error: Error) => void
  readonly store: SeriesStore
  /** More stores for the same page. */
  readonly otherStores?: () => readonly SeriesStore[]
  /** Exposition text of the group `process`, appended to the stores'. */
  readonly processText?: (format: Format) => Promise<string>
  /** OpenMetrics: add a _created line to each counter and histogram series. Default: true. */
  readonly created?: boolean
}

export interface PageRequest {
  readonly format: Format
  readonly selection: Selection
}

/** Milliseconds; shorter than the drain interval. */
const SLICE_MS = 8
/** Output chunk of zlib. */
const GZIP_CHUNK_BYTES = 1 << 18

/** A finished page. It is gzipped once, on the first request for it. */
export class Page {
  readonly plain: readonly Buffer[]
  #gzipped: Promise<readonly Buffer[]> | undefined

  constructor(plain: readonly Buffer[]) {
    this.plain = plain
  }

  /** Compresses on the thread pool. */
  gzipped(): Promise<readonly Buffer[]> {
    this.#gzipped ??= gzip(this.plain)
    return this.#gzipped
  }
}

export class Pages {
  readonly #options: PageOptions
  /** Pages not started yet, by format and groups. */
  readonly #pending = new Map<string, Promise<Page>>()
  /** The page being written. One at a time, so that scrapes arriving meanwhile share the next one. */
  #writing: Promise<unknown> = Promise.resolve()
  /** Time of the last collect(). */
  #collected = -Infinity

  constructor(options: PageOptions) {
    this.#options = options
  }

  /** Collects unless the last collect() is less than `ageMs` ago. */
  upToDate(ageMs: number): void {
    if (performance.now() - this.#collected >= ageMs) this.#collect()
  }

  /** The page for a request: one not started yet if there is one, otherwise a new one. */
  get(request: PageRequest): Promise<Page> {
    const key = keyOf(request)
    let page = this.#pending.get(key)
    if (page === undefined) {
      page = this.#make(request, () => this.#pending.delete(key))
      this.#pending.set(key, page)
    }
    return page
  }

  /** Whether get() would return a page that another scrape asked for. */
  isShared(request: PageRequest): boolean {
    return this.#pending.has(keyOf(request))
  }

  /** Slow process metrics are read first, so that the series are as of the start of the page. */
  async #make(request: PageRequest, onStart: () => void): Promise<Page> {
    const { processText } = this.#options
    const withProcess = request.selection === undefined || request.selection.has('process')
    const more = withProcess && processText !== undefined ? await processText(request.format) : ''
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
    // Shown by the next page; this one is already written.
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

function keyOf({ format, selection }: PageRequest): string {
  return `${format} ${selection === undefined ? 'all' : [...selection].sort().join()}`
}

/** Writes all pieces, yielding to the event loop after each slice. Returns the milliseconds spent writing. */
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

async function gzip(parts: readonly Buffer[]): Promise<readonly Buffer[]> {
  const gzipped: Buffer[] = []
  const compressor = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: GZIP_CHUNK_BYTES })
  await pipeline(Readable.from(parts), compressor, async (source: AsyncIterable<Buffer>) => {
    for await (const part of source) gzipped.push(part)
  })
  return gzipped
}
