/**
 * api-list.ts - a list as the API server answers it: in pages of one version, or whole from its cache.
 *
 * In:    the store, and the query: limit, continue, resourceVersion, fieldSelector.
 * Out:   the List object.
 * Fail:  a Refusal: a version of the future, a continue whose version is gone.
 */
import type { ObjectStore, StoredObject } from './object-store.js'
import { Refusal } from './refusal.js'
import { fieldSelector } from './selector.js'

export interface ListQuery {
  readonly path: string
  readonly query: URLSearchParams
  readonly metadataOnly: boolean
}

export interface List {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number }
  readonly items: readonly object[]
}

/** Lists that pages are still cut of; the oldest goes first. */
const MAX_OPEN_LISTS = 8

export class Lists {
  readonly #store: ObjectStore
  readonly #open = new Map<string, readonly StoredObject[]>()
  /** As servers before 1.34 answer `resourceVersion=0`: from their cache, whole, whatever the limit. */
  ignoresLimitOfCache = false

  constructor(store: ObjectStore) {
    this.#store = store
  }

  /** As after a compaction: continue tokens are worth nothing any more. */
  expire(): void {
    this.#open.clear()
  }

  answer({ path, query, metadataOnly }: ListQuery): List {
    const token = query.get('continue')
    const asked = query.get('resourceVersion') ?? ''
    if (Number(asked) > this.#store.version) {
      throw new Refusal(
        504,
        `Timeout: Too large resource version: ${asked}, current: ${this.#store.version}`,
        'Timeout',
      )
    }
    const { version, all, from } = token === null ? this.#first(path, query) : this.#next(token)
    const cached = asked === '0' && this.ignoresLimitOfCache
    const limit = cached ? all.length : Number(query.get('limit') ?? 0) || all.length
    const items = all.slice(from, from + limit).map(object => (metadataOnly ? metadataOf(object) : object))
    const rest = all.length - from - items.length
    const more = rest > 0 && { continue: this.#keep(version, all, from + limit), remainingItemCount: rest }
    const kind = metadataOnly ? 'PartialObjectMetadataList' : `${all[0]?.kind ?? ''}List`
    const apiVersion = metadataOnly ? 'meta.k8s.io/v1' : (all[0]?.apiVersion ?? 'v1')
    return { kind, apiVersion, metadata: { resourceVersion: version, ...more }, items }
  }

  #first(path: string, query: URLSearchParams) {
    const selects = fieldSelector(query.get('fieldSelector') ?? '')
    return { version: String(this.#store.version), all: this.#store.list(path).filter(selects), from: 0 }
  }

  #next(token: string) {
    const { version, key, from } = decode(token)
    const all = this.#open.get(key)
    if (all === undefined) throw new Refusal(410, 'The provided continue parameter is too old', 'Expired')
    return { version, all, from }
  }

  #keep(version: string, all: readonly StoredObject[], from: number): string {
    const key = [...this.#open].find(([, list]) => list === all)?.[0] ?? `${version}-${this.#open.size}-${Date.now()}`
    this.#open.set(key, all)
    if (this.#open.size > MAX_OPEN_LISTS) this.#open.delete(this.#open.keys().next().value!)
    return Buffer.from(JSON.stringify({ version, key, from })).toString('base64url')
  }
}

/** What a client gets that asked for metadata only. */
export function metadataOf({ metadata }: StoredObject): object {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata }
}

function decode(token: string): { version: string; key: string; from: number } {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString())
  } catch {
    throw new Refusal(400, 'continue key is not valid', 'BadRequest')
  }
}
