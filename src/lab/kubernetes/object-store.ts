// SPDX-License-Identifier: Apache-2.0
/**
 * object-store.ts - the objects of a fake cluster, with versions like etcd's.
 *
 * In:    objects by the path of their kind.
 * Out:   lists of one version; the events after a version, as long as the window holds them.
 * Never: keeps more events than the window; older ones are expired.
 */

export interface StoredObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: StoredMetadata
  readonly [key: string]: unknown
}

export interface StoredMetadata {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly creationTimestamp?: string
  readonly [key: string]: unknown
}

export interface StoredEvent {
  readonly version: number
  readonly path: string
  readonly object: StoredObject
  /** Undefined for a new object. With `deleted`, decides between ADDED, MODIFIED and DELETED. */
  readonly before: StoredObject | undefined
  readonly deleted: boolean
}

/** The first version of a fresh cluster is far from 0 in etcd too. */
const FIRST_VERSION = 1000
const DEFAULT_WINDOW = 10_000
const HISTORY = 10_000

export class ObjectStore {
  version = FIRST_VERSION
  readonly #window: number
  readonly #kinds = new Map<string, Map<string, StoredObject>>()
  #events: StoredEvent[] = []
  /** Versions up to this one are expired. */
  #compacted = FIRST_VERSION - 1
  /** Events since the last compaction of etcd, for lists of earlier versions. */
  #history: StoredEvent[] = []
  readonly #listeners = new Set<(event: StoredEvent) => void>()

  /** `window`: number of events to keep. */
  constructor(window = DEFAULT_WINDOW) {
    this.#window = window
  }

  /** Whether the kind is defined, with or without objects. */
  has(path: string): boolean {
    return this.#kinds.has(path)
  }

  /** The paths of all kinds. */
  paths(): string[] {
    return [...this.#kinds.keys()]
  }

  define(path: string): void {
    if (!this.#kinds.has(path)) this.#kinds.set(path, new Map())
  }

  /** Creates or replaces an object. A new object without a uid gets one derived from its version. */
  put(path: string, object: StoredObject): StoredObject {
    this.define(path)
    const kind = this.#kinds.get(path)!
    const name = nameOf(object)
    const before = kind.get(name)
    const version = ++this.version
    const uid = object.metadata.uid ?? before?.metadata.uid ?? uidOf(version)
    const creationTimestamp =
      object.metadata.creationTimestamp ?? before?.metadata.creationTimestamp ?? new Date().toISOString()
    const metadata = { ...object.metadata, uid, creationTimestamp, resourceVersion: String(version) }
    const stored = { ...object, metadata }
    kind.set(name, stored)
    this.#notify({ version, path, object: stored, before, deleted: false })
    return stored
  }

  /** Returns false when there is no such object. */
  delete(path: string, name: string, namespace?: string): boolean {
    const kind = this.#kinds.get(path)
    const key = namespace === undefined ? name : `${namespace}/${name}`
    const before = kind?.get(key)
    if (before === undefined) return false
    kind?.delete(key)
    const version = ++this.version
    // The last state with the version of its deletion: a watch continues from there.
    const object = { ...before, metadata: { ...before.metadata, resourceVersion: String(version) } }
    this.#notify({ version, path, object, before, deleted: true })
    return true
  }

  /** Sorted by name, like etcd's keys. */
  list(path: string): StoredObject[] {
    return sorted(this.#kinds.get(path) ?? new Map<string, StoredObject>())
  }

  /** The events after `version`; undefined when some of them are expired. */
  since(path: string, version: number): StoredEvent[] | undefined {
    if (version < this.#compacted) return undefined
    return this.#events.filter(event => event.version > version && event.path === path)
  }

  /** The objects at an earlier version, sorted by name; undefined when it is compacted. */
  at(path: string, version: number): StoredObject[] | undefined {
    if (version < this.version - this.#history.length) return undefined
    const kind = new Map(this.#kinds.get(path))
    for (const { object, before } of this.#history
      .filter(event => event.path === path && event.version > version)
      .reverse()) {
      if (before === undefined) kind.delete(nameOf(object))
      else kind.set(nameOf(object), before)
    }
    return sorted(kind)
  }

  /** Drops all events of the watches, as a server does that restarts. etcd keeps the history. */
  forget(): void {
    this.#events = []
    this.#compacted = this.version
  }

  /** Drops all events, as etcd's compaction does. */
  compact(): void {
    this.forget()
    this.#history = []
  }

  /** Calls `listener` for each event, until the returned function is called. */
  listen(listener: (event: StoredEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #notify(event: StoredEvent): void {
    this.#history.push(event)
    if (this.#history.length > HISTORY) this.#history.shift()
    this.#events.push(event)
    if (this.#events.length > this.#window) this.#compacted = this.#events.shift()!.version
    for (const listener of this.#listeners) listener(event)
  }
}

function sorted(kind: ReadonlyMap<string, StoredObject>): StoredObject[] {
  return [...kind].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object)
}

function nameOf({ metadata: { namespace, name } }: StoredObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`
}

function uidOf(version: number): string {
  return `00000000-0000-4000-8000-${version.toString(16).padStart(12, '0')}`
}
