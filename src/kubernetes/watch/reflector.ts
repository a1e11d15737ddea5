// SPDX-License-Identifier: Apache-2.0
/**
 * reflector.ts - lists one resource, then watches it, and repeats after failures.
 *
 * In:    the API's lists and watches of one resource.
 * Out:   put() for each new or changed object, drop() for each deleted one. After a gap the next list shows which objects were
 *        deleted in the meantime.
 * Fail:  each failure is counted by reason and retried: at once where the server ended the watch at its timeout, else after a delay
 *        that grows to 30 s. Known objects are kept. An object that cannot be read is skipped and counted.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { redacted } from '../../lib/redact.js'
import type { ApiObject } from '../object/api-object.js'
import type { Interner } from '../object/interner.js'
import type { FactsByResource, Resource, ResourceName } from '../object/resource.js'
import { checkFacts } from '../object/sound-facts.js'
import type { ApiClient } from './api-client.js'
import { ApiError, asApiError, statusError } from './api-error.js'
import { Backoff } from './backoff.js'
import { Lines } from './lines.js'
import { ListItems } from './list-items.js'
import { EVENT_TYPES, type EventType, type WatchTracker } from './watch-state.js'

export interface ReflectorEvents {
  put<Name extends ResourceName>(name: Name, facts: FactsByResource[Name]): void
  drop(name: ResourceName, key: string): void
  /** The watch synced, failed or recovered. */
  stateChanged(): void
}

/** Tests use shorter times than TIMES. */
export interface ReflectorTimes {
  /** First delay after a failure; the longest is 30 times as long. */
  readonly retryMs: number
  /** A list is aborted when no byte arrives for this long. */
  readonly listIdleMs: number
  /** The same for a watch. The server sends a bookmark about every minute. */
  readonly watchIdleMs: number
}

export const TIMES: ReflectorTimes = { retryMs: 1_000, listIdleMs: 60_000, watchIdleMs: 180_000 }

/** Page size of Kubernetes' own clients. */
const PAGE = 500
/** Five million objects: a server that names one more page forever is stopped. */
const MAX_PAGES = 10_000
/** The server ends a watch after this time; random, so that a fleet's watches do not end together. */
const WATCH_SECONDS = { min: 300, max: 600 } as const
/**
 * A busy watch is read in this interval, because waking the threads for one event costs more than the event. Far below the 100 ms
 * that a name may take to reach the kernel; the first event after a pause is read at once.
 */
const READ_PAUSE_MS = 45
/** A watch that the server ends sooner than this counts as a failure and delays the next, to prevent a request storm. */
const SHORT_WATCH_MS = 1_000
const JSON_TYPE = 'application/json'
/** After etcd was restored from a backup, its versions are lower than those already seen. */
const FUTURE = /too large resource version/i
const METADATA = 'as=PartialObjectMetadata'

interface WatchEvent {
  readonly type: string
  readonly object: ApiObject & { readonly code?: number; readonly message?: string }
}

export class Reflector {
  readonly tracker: WatchTracker
  readonly #resource: Resource
  readonly #client: ApiClient
  readonly #events: ReflectorEvents
  readonly #intern: Interner
  readonly #times: ReflectorTimes
  readonly #backoff: Backoff
  /** Keys that were put and not dropped, including those of a list that failed halfway. */
  readonly #known = new Set<string>()
  /** Where the next watch starts; undefined: list first. */
  #version: string | undefined
  /** The minimum version of a list; '0' accepts any version that the server has cached. */
  #minVersion = '0'
  /** Version of the last complete list. */
  #listedVersion: string | undefined
  /** When the last watch started; 0: not since the last failure. */
  #watchingMs = 0
  /** The last failure was an expired version. */
  #expiredBefore = false

  constructor(
    resource: Resource,
    client: ApiClient,
    events: ReflectorEvents,
    tracker: WatchTracker,
    intern: Interner,
    times: ReflectorTimes = TIMES,
  ) {
    this.#resource = resource
    this.#client = client
    this.#events = events
    this.tracker = tracker
    this.#intern = intern
    this.#times = times
    this.#backoff = new Backoff(times.retryMs)
  }

  /** Runs until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#version === undefined) await this.#list(signal)
        await this.#watch(signal)
      } catch (error) {
        if (signal.aborted) return
        await this.#recover(asApiError(error), signal)
      }
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const startMs = performance.now()
    if (!this.tracker.synced) this.tracker.phase = 'listing'
    const seen = new Set<string>()
    let next = ''
    let version = ''
    for (let pages = 1; ; pages++) {
      const { metadata, items } = await this.#page(next, seen, signal)
      version = textOf(metadata?.resourceVersion)
      const following = textOf(metadata?.continue)
      if (following === '') break
      if (items === 0 || following === next || pages >= MAX_PAGES) {
        throw new ApiError('malformed', `page ${pages} of the list, with ${items} items, names another page`)
      }
      next = following
    }
    for (const key of this.#known) {
      if (seen.has(key)) continue
      this.#drop(key)
      this.tracker.missedDeletions++
    }
    // The same version again may come from a server that has seen no change for long.
    if (version !== this.#listedVersion) this.tracker.received(startMs)
    this.#listedVersion = version
    this.#version = version
    this.#minVersion = version
    this.tracker.lists++
    this.tracker.listSeconds += (performance.now() - startMs) / 1000
    this.tracker.objects = this.#known.size
    this.#succeeded()
  }

  async #page(next: string, seen: Set<string>, signal: AbortSignal): Promise<Page> {
    const items = new ListItems()
    let count = 0
    const request = { path: this.#path(this.#listQuery(next)), accept: this.#accept('List'), gzip: true }
    const take = (text: string) => {
      count++
      const key = this.#take(JSON.parse(text) as ApiObject)
      if (key !== undefined) seen.add(key)
    }
    await this.#client.read({ ...request, idleTimeoutMs: this.#times.listIdleMs, signal }, chunk => {
      items.push(chunk, take)
    })
    const head = items.end()
    if (typeof head !== 'object' || head === null) throw new ApiError('malformed', 'the list is not an object')
    return { metadata: (head as Page).metadata, items: count }
  }

  /**
   * A list with a version and a limit has exactly that version, however old, and a watch from there expires at once. Without a limit
   * it is at least as new, from the server's memory (API concepts, "Semantics for get and list").
   */
  #listQuery(next: string): Readonly<Record<string, string>> {
    const limit = String(PAGE)
    if (next !== '') return { limit, continue: next }
    const resourceVersion = this.#minVersion
    return resourceVersion === '' || resourceVersion === '0' ? { limit, resourceVersion } : { resourceVersion }
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const startMs = performance.now()
    const lines = new Lines()
    const seconds = WATCH_SECONDS.min + Math.random() * (WATCH_SECONDS.max - WATCH_SECONDS.min)
    const query = {
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: this.#version ?? '',
      timeoutSeconds: String(Math.round(seconds)),
    }
    const request = { path: this.#path(query), accept: this.#accept(''), gzip: false }
    const take = (line: string) => this.#event(JSON.parse(line) as WatchEvent)
    const started = () => {
      this.#watchingMs = performance.now()
      this.#succeeded()
    }
    const receive = (chunk: Buffer) => {
      // An error that the server sends within a watch throws here: it shows no change.
      lines.push(chunk, take)
      this.tracker.received()
    }
    await this.#client.read(
      { ...request, idleTimeoutMs: this.#times.watchIdleMs, pauseMs: READ_PAUSE_MS, signal },
      receive,
      started,
    )
    if (lines.pending > 0) throw new ApiError('cut', 'the watch ended in the middle of a line')
    if (performance.now() - startMs < SHORT_WATCH_MS) throw new ApiError('closed', 'the watch ended at once')
    this.tracker.restarts.closed++
    this.#backoff.reset()
  }

  #event(event: WatchEvent): void {
    const { type, object } = event ?? {}
    if (typeof object !== 'object' || object === null) throw new ApiError('malformed', 'an event without an object')
    if (type === 'ERROR')
      throw statusError(Number(object.code) || 0, redacted(String(object.message ?? 'the watch failed'), {}))
    if (isEventType(type)) this.tracker.events[type]++
    this.#backoff.reset()
    this.#expiredBefore = false
    if (type === 'DELETED') this.#dropObject(object)
    else if (type !== 'BOOKMARK') this.#take(object)
    this.#version = textOf(object.metadata?.resourceVersion) || this.#version
    this.#minVersion = this.#version ?? this.#minVersion
    this.tracker.objects = this.#known.size
  }

  /** Puts or drops an object. Returns the key of its facts if there are any. */
  #take(object: ApiObject): string | undefined {
    const facts = this.#read(object, () => this.#resource.facts(object, this.#intern))
    if (facts === undefined) return undefined
    if (facts === null) {
      this.#dropObject(object)
      return undefined
    }
    this.#known.add(facts.key)
    this.#events.put(this.#resource.name, facts)
    return facts.key
  }

  /** What `read` makes of an object, null if that is nothing; undefined, and counted, if the object cannot be read. */
  #read<Facts>(object: ApiObject, read: () => Facts | undefined): Facts | null | undefined {
    try {
      const facts = read()
      checkFacts(facts)
      return facts ?? null
    } catch (error) {
      // Of an unexpected type somewhere in the object.
      if (!(error instanceof TypeError)) throw error
      this.tracker.skip(JSON.stringify(object?.metadata?.name) ?? 'no name', error.message)
      return undefined
    }
  }

  #dropObject(object: ApiObject): void {
    const key = this.#read(object, () => this.#resource.key(object))
    if (key) this.#drop(key)
  }

  #drop(key: string): void {
    if (this.#known.delete(key)) this.#events.drop(this.#resource.name, key)
  }

  /** Call when a list is complete and when a watch starts. */
  #succeeded(): void {
    const changed = this.tracker.lastError !== undefined || !this.tracker.synced || this.tracker.phase !== 'watching'
    this.tracker.synced = true
    this.tracker.attempted = true
    this.tracker.lastError = undefined
    this.tracker.phase = 'watching'
    if (changed) this.#events.stateChanged()
  }

  async #recover(error: ApiError, signal: AbortSignal): Promise<void> {
    this.tracker.restarts[error.reason]++
    this.tracker.phase = 'waiting'
    this.tracker.lastError = this.#explained(error)
    this.tracker.attempted = true
    // After a watch that lasted, the delay starts from the shortest again.
    if (this.#watchingMs > 0 && performance.now() - this.#watchingMs > SHORT_WATCH_MS) this.#backoff.reset()
    this.#watchingMs = 0
    if (error.reason === 'expired') {
      this.#relist()
      // The server is back: the list must not wait for as long as the outage lasted.
      if (!this.#expiredBefore) this.#backoff.reset()
    }
    this.#expiredBefore = error.reason === 'expired'
    if (FUTURE.test(error.message)) this.#relist('')
    this.#events.stateChanged()
    await sleep(this.#backoff.next(error.retryAfterMs), undefined, { signal }).catch(() => undefined)
  }

  #explained({ reason, message }: ApiError): string {
    const { needs } = this.#resource
    return reason === 'missing' && needs !== undefined ? `${message}; ${needs}` : message
  }

  /** Lists again, no older than what was seen; if that failed before, the latest version in etcd (''). */
  #relist(minVersion = this.#version === undefined ? '' : this.#minVersion): void {
    this.#minVersion = minVersion
    this.#version = undefined
  }

  #path(query: Readonly<Record<string, string>>): string {
    const { path, fieldSelector } = this.#resource
    return `${path}?${new URLSearchParams({ ...query, ...(fieldSelector && { fieldSelector }) })}`
  }

  #accept(suffix: '' | 'List'): string {
    return this.#resource.metadataOnly ? `${JSON_TYPE};${METADATA}${suffix};g=meta.k8s.io;v=v1` : JSON_TYPE
  }
}

interface Page {
  readonly metadata: { readonly resourceVersion?: unknown; readonly continue?: unknown } | undefined
  /** Number of items. */
  readonly items: number
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function isEventType(type: string): type is EventType {
  return EVENT_TYPES.some(known => known === type)
}
