// SPDX-License-Identifier: Apache-2.0
/**
 * reflector.ts - lists one resource, then watches it, and repeats after failures.
 *
 * In:    the API's lists and watches of one resource.
 * Out:   put() for each new or changed object, drop() for each deleted one. After a gap the next list shows which objects were
 *        deleted in the meantime.
 * Fail:  each failure is counted by reason and retried: at once where the server ended the watch at its timeout, else after a delay
 *        that grows to 30 s. Known objects are kept.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiObject } from '../object/api-object.js'
import type { Interner } from '../object/interner.js'
import type { FactsByResource, Resource, ResourceName } from '../object/resource.js'
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
  /** When the last watch started; 0: not since the last failure. */
  #watchingMs = 0

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
    do {
      const head = await this.#page(next, seen, signal)
      next = head.metadata?.continue ?? ''
      version = head.metadata?.resourceVersion ?? ''
    } while (next !== '')
    for (const key of this.#known) {
      if (seen.has(key)) continue
      this.#drop(key)
      this.tracker.missedDeletions++
    }
    this.#version = version
    this.#minVersion = version
    this.tracker.lists++
    this.tracker.listSeconds += (performance.now() - startMs) / 1000
    this.tracker.objects = this.#known.size
    this.#succeeded()
  }

  async #page(next: string, seen: Set<string>, signal: AbortSignal): Promise<ListHead> {
    const items = new ListItems()
    // The continue token determines the version.
    const query = next === '' ? { resourceVersion: this.#minVersion } : { continue: next }
    const request = { path: this.#path({ limit: String(PAGE), ...query }), accept: this.#accept('List'), gzip: true }
    const take = (text: string) => {
      const key = this.#take(JSON.parse(text) as ApiObject)
      if (key !== undefined) seen.add(key)
    }
    await this.#client.read({ ...request, idleTimeoutMs: this.#times.listIdleMs, signal }, chunk => {
      this.tracker.received()
      items.push(chunk, take)
    })
    return items.end() as ListHead
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
      this.tracker.received()
      lines.push(chunk, take)
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

  #event({ type, object }: WatchEvent): void {
    if (type === 'ERROR') throw statusError(object.code ?? 0, object.message ?? 'the watch failed')
    if (isEventType(type)) this.tracker.events[type]++
    this.#backoff.reset()
    if (type === 'DELETED') this.#drop(this.#resource.key(checked(object)))
    else if (type !== 'BOOKMARK') this.#take(object)
    this.#version = object.metadata.resourceVersion ?? this.#version
    this.#minVersion = this.#version ?? this.#minVersion
    this.tracker.objects = this.#known.size
  }

  /** Puts or drops an object. Returns the key of its facts if there are any. */
  #take(object: ApiObject): string | undefined {
    const facts = this.#resource.facts(checked(object), this.#intern)
    if (facts === undefined) {
      this.#drop(this.#resource.key(object))
      return undefined
    }
    this.#known.add(facts.key)
    this.#events.put(this.#resource.name, facts)
    return facts.key
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
    this.tracker.lastError = error.message
    this.tracker.attempted = true
    // After a watch that lasted, the delay starts from the shortest again.
    if (this.#watchingMs > 0 && performance.now() - this.#watchingMs > SHORT_WATCH_MS) this.#backoff.reset()
    this.#watchingMs = 0
    if (error.reason === 'expired') this.#relist()
    if (FUTURE.test(error.message)) this.#relist('')
    this.#events.stateChanged()
    await sleep(this.#backoff.next(error.retryAfterMs), undefined, { signal }).catch(() => undefined)
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

interface ListHead {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string }
}

function checked(object: ApiObject): ApiObject {
  if (typeof object?.metadata !== 'object') throw new ApiError('malformed', 'an object without metadata')
  return object
}

function isEventType(type: string): type is EventType {
  return EVENT_TYPES.some(known => known === type)
}
