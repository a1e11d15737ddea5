// SPDX-License-Identifier: Apache-2.0
/**
 * api-watch.ts - one watch of the fake API server: sends events from a version on, one per line.
 *
 * In:    the store, and the query: resourceVersion, allowWatchBookmarks, timeoutSeconds, fieldSelector.
 * Out:   one line per event, in chunks of `splitBytes` if set; a bookmark every `bookmarkMs`.
 * Fail:  an expired version ends the watch with an ERROR event of code 410.
 */
import type { ServerResponse } from 'node:http'
import { metadataOf } from './api-list.js'
import type { Fault } from './faults.js'
import type { ObjectStore, StoredEvent, StoredObject } from './object-store.js'
import { Refusal } from './refusal.js'
import { fieldSelector, type Selects } from './selector.js'

export interface WatchOptions {
  readonly path: string
  readonly query: URLSearchParams
  readonly metadataOnly: boolean
  readonly fault: Fault | undefined
  readonly bookmarkMs: number
  /** Bytes per chunk; 0: one line per chunk. */
  readonly splitBytes: number
}

const DEFAULT_TIMEOUT_S = 1800

export class Watch {
  readonly #store: ObjectStore
  readonly #response: ServerResponse
  readonly #options: WatchOptions
  readonly #selects: Selects
  readonly #timers: NodeJS.Timeout[] = []
  #unlisten: () => void = () => undefined
  #sent = 0
  #kind: Pick<StoredObject, 'kind' | 'apiVersion'> = {}

  constructor(store: ObjectStore, response: ServerResponse, options: WatchOptions) {
    this.#store = store
    this.#response = response
    this.#options = options
    this.#selects = fieldSelector(options.query.get('fieldSelector') ?? '')
    response.once('close', () => this.#stop())
  }

  start(): void {
    const { path, query, fault, bookmarkMs } = this.#options
    this.#response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' })
    this.#response.flushHeaders()
    if (fault?.kind === 'silence') return
    if (fault?.kind === 'close') {
      this.end()
      return
    }
    const version = Number(query.get('resourceVersion') || 0)
    const missed = version === 0 ? this.#all() : this.#store.since(path, version)
    if (missed === undefined) {
      this.#gone(version)
      return
    }
    for (const event of missed) this.#event(event)
    this.#unlisten = this.#store.listen(event => {
      if (event.path === path) this.#event(event)
    })
    if (query.get('allowWatchBookmarks') === 'true') this.#every(bookmarkMs, () => this.#bookmark())
    const timeoutMs = Number(query.get('timeoutSeconds') || DEFAULT_TIMEOUT_S) * 1000
    this.#timers.push(setTimeout(() => this.end(), timeoutMs).unref())
  }

  /** Ends the watch as at its timeout. */
  end(): void {
    this.#stop()
    this.#response.end()
  }

  /** Sends an event. */
  send(type: string, object: object): void {
    this.#write(`${JSON.stringify({ type, object })}\n`)
  }

  /** Sends raw text. */
  write(text: string): void {
    this.#write(text)
  }

  #gone(version: number): void {
    this.send('ERROR', new Refusal(410, `too old resource version: ${version} (${this.#store.version})`).object)
    this.end()
  }

  #all(): StoredEvent[] {
    const { path } = this.#options
    return this.#store
      .list(path)
      .map(object => ({ version: 0, path, object, before: undefined, deleted: false }) satisfies StoredEvent)
  }

  /** An object that no longer matches the selector is DELETED for this watch. */
  #event({ object, before, deleted }: StoredEvent): void {
    this.#kind = object
    const was = before !== undefined && this.#selects(before)
    const is = !deleted && this.#selects(object)
    if (!was && !is) return
    const shown = this.#options.metadataOnly ? metadataOf(object) : object
    this.send(is ? (was ? 'MODIFIED' : 'ADDED') : 'DELETED', shown)
  }

  #bookmark(): void {
    const { kind, apiVersion } = this.#kind
    this.send('BOOKMARK', { kind, apiVersion, metadata: { resourceVersion: String(this.#store.version) } })
  }

  #write(text: string): void {
    const { fault, splitBytes } = this.#options
    const bytes = Buffer.from(text)
    if (fault?.kind === 'cut' && this.#sent + bytes.length > fault.afterBytes) {
      this.#response.write(bytes.subarray(0, fault.afterBytes - this.#sent), () => this.#response.destroy())
      this.#stop()
      return
    }
    this.#sent += bytes.length
    const step = splitBytes || bytes.length
    for (let at = 0; at < bytes.length; at += step) this.#response.write(bytes.subarray(at, at + step))
  }

  #every(ms: number, job: () => void): void {
    this.#timers.push(setInterval(job, ms).unref())
  }

  #stop(): void {
    this.#unlisten()
    for (const timer of this.#timers) clearTimeout(timer)
  }
}
