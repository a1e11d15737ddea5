/**
 * watch-state.ts - how a resource's watch is, in numbers that cross threads.
 *
 * Out:   plain objects, for structured cloning and for weir_kubernetes_*.
 */

import type { ResourceName } from '../object/resource.js'
import { RESTART_REASONS, type RestartReason } from './api-error.js'

/** `listing` before the first list is complete; `waiting` for the next attempt after a failure. */
export type Phase = 'listing' | 'watching' | 'waiting'
export const EVENT_TYPES = ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'] as const
export type EventType = (typeof EVENT_TYPES)[number]

export interface WatchState {
  readonly name: ResourceName
  readonly phase: Phase
  readonly synced: boolean
  /** The last failure, until there is a success. */
  readonly lastError: string | undefined
  readonly objects: number
  readonly lists: number
  readonly listSeconds: number
  /** Of the last byte of a watch or list: seconds since 1970 for people, and its age by a clock that never jumps. */
  readonly lastSeconds: number
  readonly ageSeconds: number
  readonly restarts: Readonly<Record<RestartReason, number>>
  readonly events: Readonly<Record<EventType, number>>
  /** Objects that a list no longer had though no event said that they went. */
  readonly missedDeletions: number
}

/** What a reflector writes. */
export class WatchTracker {
  phase: Phase = 'listing'
  synced = false
  lastError: string | undefined
  /** The first attempt has come to an end, good or bad. */
  attempted = false
  objects = 0
  lists = 0
  listSeconds = 0
  missedDeletions = 0
  readonly name: ResourceName
  readonly restarts = zeros(RESTART_REASONS)
  readonly events = zeros(EVENT_TYPES)
  #lastSeconds = 0
  #lastMs = performance.now()

  constructor(name: ResourceName) {
    this.name = name
  }

  /** A byte came. */
  received(): void {
    this.#lastSeconds = Date.now() / 1000
    this.#lastMs = performance.now()
  }

  snapshot(): WatchState {
    const { name, phase, synced, lastError, objects, lists, listSeconds, restarts, events, missedDeletions } = this
    const ageSeconds = (performance.now() - this.#lastMs) / 1000
    const counts = { restarts: { ...restarts }, events: { ...events } }
    const lastSeconds = this.#lastSeconds
    return {
      name,
      phase,
      synced,
      lastError,
      objects,
      lists,
      listSeconds,
      lastSeconds,
      ageSeconds,
      missedDeletions,
      ...counts,
    }
  }
}

function zeros<const Key extends string>(keys: readonly Key[]): Record<Key, number> {
  return Object.fromEntries(keys.map(key => [key, 0])) as Record<Key, number>
}
