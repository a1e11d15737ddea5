/**
 * object-store.ts - the objects of a fake cluster, with versions as etcd gives them.
 *
 * In:    objects by the path of their kind.
 * Out:   lists as of one version; what happened after a version, as long as the window holds it.
 * Never: keeps more events than the window: who asks for older ones is told that they are gone.
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
  /** Missing for a new object; the event is ADDED, MODIFIED or DELETED by these two. */
  readonly before: StoredObject | undefined
  readonly deleted: boolean
}

/** As etcd, where a fresh cluster's first version is far from 0 as well. */
const FIRST_VERSION = 1000
const DEFAULT_WINDOW = 10_000

export class ObjectStore {
  version = FIRST_VERSION
  readonly #window: number
  readonly #kinds = new Map<string, Map<string, StoredObject>>()
  #events: StoredEvent[] = []
  /** Versions up to this are gone. */
  #compacted = FIRST_VERSION - 1
  readonly #listeners = new Set<(event: StoredEvent) => void>()

  /** `window`: events kept. */
  constructor(window = DEFAULT_WINDOW) {
    this.#window = window
  }

  /** Whether there is such a kind, empty or not. */
  has(path: string): boolean {
    return this.#kinds.has(path)
  }

  /** Of every kind. */
  paths(): string[] {
    return [...this.#kinds.keys()]
  }

  define(path: string): void {
    if (!this.#kinds.has(path)) this.#kinds.set(path, new Map())
  }

  /** Create, or replace; an object without uid gets one that its name and version make. */
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

  /** False when there is none. */
  delete(path: string, name: string, namespace?: string): boolean {
    const kind = this.#kinds.get(path)
    const key = namespace === undefined ? name : `${namespace}/${name}`
    const before = kind?.get(key)
    if (before === undefined) return false
    kind?.delete(key)
    const version = ++this.version
    // The last state, with the version of its deletion: a watch goes on from it.
    const object = { ...before, metadata: { ...before.metadata, resourceVersion: String(version) } }
    this.#notify({ version, path, object, before, deleted: true })
    return true
  }

  /** In the order of names, as etcd's keys are. */
  list(path: string): StoredObject[] {
    const kind = this.#kinds.get(path) ?? new Map<string, StoredObject>()
    return [...kind].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object)
  }

  /** What happened after `version`; undefined when not all of that is known any more. */
  since(path: string, version: number): StoredEvent[] | undefined {
    if (version < this.#compacted) return undefined
    return this.#events.filter(event => event.version > version && event.path === path)
  }

  /** Forget events up to now, as etcd's compaction does. */
  compact(): void {
    this.#events = []
    this.#compacted = this.version
  }

  /** Events from now on, until the returned function is called. */
  listen(listener: (event: StoredEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #notify(event: StoredEvent): void {
    this.#events.push(event)
    if (this.#events.length > this.#window) this.#compacted = this.#events.shift()!.version
    for (const listener of this.#listeners) listener(event)
  }
}

function nameOf({ metadata: { namespace, name } }: StoredObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`
}

function uidOf(version: number): string {
  return `00000000-0000-4000-8000-${version.toString(16).padStart(12, '0')}`
}
