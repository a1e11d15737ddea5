/**
 * reflector.ts - one resource, listed and then watched, for ever.
 *
 * In:    the API's lists and watches of one resource.
 * Out:   put() for each object that is new or other, drop() for each that is gone, told or not: after a gap the next
 *        list shows what went meanwhile.
 * Fail:  every failure has a reason that is counted, and an attempt after it: at once where the server ended a watch as
 *        agreed, else after a wait that grows to 30 s. What is known stays meanwhile.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Interner } from '../object/interner.js'
import type { ApiObject } from '../object/api-object.js'
import type { Kept, Resource, ResourceName } from '../object/resource.js'
import type { ApiClient } from './api-client.js'
import { ApiError, asApiError, statusError } from './api-error.js'
import { Backoff } from './backoff.js'
import { Lines } from './lines.js'
import { ListItems } from './list-items.js'
import { EVENT_TYPES, type EventType, type WatchLog } from './watch-state.js'

export interface ReflectorEvents {
  put<Name extends ResourceName>(name: Name, facts: Kept[Name]): void
  drop(name: ResourceName, key: string): void
  /** The state is another: synced, or in trouble, or well again. */
  told(): void
}

/** Times; the defaults are for a cluster, tests take shorter ones. */
export interface ReflectorTimes {
  /** First wait after a failure; the last is 30 times as long. */
  readonly retryMs: number
  /** A list without a byte for so long is given up. */
  readonly listSilentMs: number
  /** A watch; the server sends a bookmark each minute or so, whatever happens. */
  readonly watchSilentMs: number
}

export const TIMES: ReflectorTimes = { retryMs: 1_000, listSilentMs: 60_000, watchSilentMs: 180_000 }

/** As every client of the API asks for them, and as large as etcd likes. */
const PAGE = 500
/** The server ends a watch after so long; jittered, so that a fleet's watches do not end together. */
const WATCH_SECONDS = { least: 300, most: 600 } as const
/**
 * A busy watch is read this often: to wake the threads for one event costs more than the event. Far below the 100 ms that
 * a name may take to the kernel; the first event after a silence does not wait.
 */
const REST_MS = 45
/** A watch that the server ended sooner than this was no watch: wait before the next, or a storm begins. */
const SHORT_WATCH_MS = 1_000
const JSON_TYPE = 'application/json'
/** After etcd was restored from a backup its versions begin before those that were seen. */
const FUTURE = /too large resource version/i
const METADATA = 'as=PartialObjectMetadata'

interface WatchEvent {
  readonly type: string
  readonly object: ApiObject & { readonly code?: number; readonly message?: string }
}

export class Reflector {
  readonly log: WatchLog
  readonly #resource: Resource
  readonly #client: ApiClient
  readonly #events: ReflectorEvents
  readonly #intern: Interner
  readonly #times: ReflectorTimes
  readonly #backoff: Backoff
  /** Keys of what was put and not dropped: also of a list that failed in its middle. */
  readonly #known = new Set<string>()
  /** Where the next watch begins; missing: list first. */
  #version: string | undefined
  /** What a list must not be older than; '0' takes whatever the server has at hand. */
  #least = '0'
  /** When the last watch was granted; 0: not since the last failure. */
  #watchingMs = 0

  constructor(
    resource: Resource,
    client: ApiClient,
    events: ReflectorEvents,
    log: WatchLog,
    intern: Interner,
    times: ReflectorTimes = TIMES,
  ) {
    this.#resource = resource
    this.#client = client
    this.#events = events
    this.log = log
    this.#intern = intern
    this.#times = times
    this.#backoff = new Backoff(times.retryMs)
  }

  /** Until `signal`. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#version === undefined) await this.#list(signal)
        await this.#watch(signal)
      } catch (error) {
        if (signal.aborted) return
        await this.#failed(asApiError(error), signal)
      }
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const begun = performance.now()
    if (!this.log.synced) this.log.phase = 'listing'
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
      this.log.missed++
    }
    this.#version = version
    this.#least = version
    this.log.lists++
    this.log.listSeconds += (performance.now() - begun) / 1000
    this.log.objects = this.#known.size
    this.#well()
  }

  async #page(next: string, seen: Set<string>, signal: AbortSignal): Promise<ListHead> {
    const items = new ListItems()
    // A page that continues is of the first one's version.
    const query = next === '' ? { resourceVersion: this.#least } : { continue: next }
    const ask = { path: this.#path({ limit: String(PAGE), ...query }), accept: this.#accept('List'), gzip: true }
    const take = (text: string) => {
      const key = this.#take(JSON.parse(text) as ApiObject)
      if (key !== undefined) seen.add(key)
    }
    await this.#client.read({ ...ask, silentMs: this.#times.listSilentMs, signal }, chunk => {
      this.log.heard()
      items.push(chunk, take)
    })
    return items.end() as ListHead
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const begun = performance.now()
    const lines = new Lines()
    const seconds = WATCH_SECONDS.least + Math.random() * (WATCH_SECONDS.most - WATCH_SECONDS.least)
    const query = {
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: this.#version ?? '',
      timeoutSeconds: String(Math.round(seconds)),
    }
    const ask = { path: this.#path(query), accept: this.#accept(''), gzip: false }
    const take = (line: string) => this.#event(JSON.parse(line) as WatchEvent)
    const granted = () => {
      this.#watchingMs = performance.now()
      this.#well()
    }
    const hear = (chunk: Buffer) => {
      this.log.heard()
      lines.push(chunk, take)
    }
    await this.#client.read({ ...ask, silentMs: this.#times.watchSilentMs, restMs: REST_MS, signal }, hear, granted)
    if (lines.waiting > 0) throw new ApiError('cut', 'the watch ended within a line')
    if (performance.now() - begun < SHORT_WATCH_MS) throw new ApiError('closed', 'the watch ended at once')
    this.log.restarts.closed++
    this.#backoff.reset()
  }

  #event({ type, object }: WatchEvent): void {
    if (type === 'ERROR') throw statusError(object.code ?? 0, object.message ?? 'the watch failed')
    if (isEventType(type)) this.log.events[type]++
    this.#backoff.reset()
    if (type === 'DELETED') this.#drop(this.#resource.key(checked(object)))
    else if (type !== 'BOOKMARK') this.#take(object)
    this.#version = object.metadata.resourceVersion ?? this.#version
    this.#least = this.#version ?? this.#least
    this.log.objects = this.#known.size
  }

  /** The key of what is kept of it. */
  #take(object: ApiObject): string | undefined {
    const kept = this.#resource.keep(checked(object), this.#intern)
    if (kept === undefined) {
      this.#drop(this.#resource.key(object))
      return undefined
    }
    this.#known.add(kept.key)
    this.#events.put(this.#resource.name, kept)
    return kept.key
  }

  #drop(key: string): void {
    if (this.#known.delete(key)) this.#events.drop(this.#resource.name, key)
  }

  /** Also a list's end: whoever had asked for a newer state has it. */
  #well(): void {
    const changed = this.log.trouble !== undefined || !this.log.synced || this.log.phase !== 'watching'
    this.log.synced = true
    this.log.settled = true
    this.log.trouble = undefined
    this.log.phase = 'watching'
    if (changed) this.#events.told()
  }

  async #failed(error: ApiError, signal: AbortSignal): Promise<void> {
    this.log.restarts[error.reason]++
    this.log.phase = 'waiting'
    this.log.trouble = error.message
    this.log.settled = true
    // A watch that lasted was a success: the wait after it is a first one.
    if (this.#watchingMs > 0 && performance.now() - this.#watchingMs > SHORT_WATCH_MS) this.#backoff.reset()
    this.#watchingMs = 0
    if (error.reason === 'expired') this.#listAnew()
    if (FUTURE.test(error.message)) this.#listAnew('')
    this.#events.told()
    await sleep(this.#backoff.next(error.retryAfterMs), undefined, { signal }).catch(() => undefined)
  }

  /** Not older than what was seen; when even that cannot be had, whatever etcd says is now. */
  #listAnew(least = this.#version === undefined ? '' : this.#least): void {
    this.#least = least
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
