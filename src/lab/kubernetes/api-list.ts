// SPDX-License-Identifier: Apache-2.0
/**
 * api-list.ts - a list as an API server sends it: in pages of one version, or complete from its cache.
 *
 * In:    the store, and the query: limit, continue, resourceVersion, resourceVersionMatch, fieldSelector.
 * Out:   the List object. Of exactly the version asked for if there is a limit and no other match, as real servers answer
 *        (Kubernetes API concepts, "Semantics for get and list").
 * Fail:  a Refusal for a version that does not exist yet, or an expired continue token.
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

/** Lists with pages still to send; the oldest is evicted first. */
const MAX_OPEN_LISTS = 8

export class Lists {
  readonly #store: ObjectStore
  readonly #open = new Map<string, readonly StoredObject[]>()
  /** As servers before 1.34 respond to `resourceVersion=0`: the complete list from their cache, whatever the limit. */
  ignoresLimitOfCache = false

  constructor(store: ObjectStore) {
    this.#store = store
  }

  /** Expires all continue tokens, as a compaction does. */
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
    const asked = Number(query.get('resourceVersion') ?? 0)
    const match = query.get('resourceVersionMatch') ?? (query.has('limit') && asked > 0 ? 'Exact' : 'NotOlderThan')
    if (match !== 'Exact')
      return { version: String(this.#store.version), all: this.#store.list(path).filter(selects), from: 0 }
    const all = this.#store.at(path, asked)
    if (all === undefined)
      throw new Refusal(410, `The resourceVersion for the provided list is too old: ${asked}`, 'Expired')
    return { version: String(asked), all: all.filter(selects), from: 0 }
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

/** The object for a client that requests metadata only. */
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
