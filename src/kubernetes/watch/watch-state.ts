// SPDX-License-Identifier: Apache-2.0
/**
 * watch-state.ts - the state of a resource's watch.
 *
 * Out:   plain objects, for structured cloning and for weir_kubernetes_*.
 */
import type { ResourceName } from '../object/resource.js'
import { RESTART_REASONS, type RestartReason } from './api-error.js'

/** `listing` until the first list is complete; `waiting` for the next attempt after a failure. */
export type Phase = 'listing' | 'watching' | 'waiting'
export const EVENT_TYPES = ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'] as const
export type EventType = (typeof EVENT_TYPES)[number]

export interface WatchState {
  readonly name: ResourceName
  readonly phase: Phase
  readonly synced: boolean
  /** The last failure, until the next success. */
  readonly lastError: string | undefined
  readonly objects: number
  readonly lists: number
  readonly listSeconds: number
  /** The last moment up to which changes were seen: wall-clock seconds since 1970 for display, and its age by a monotonic clock. */
  readonly lastSeconds: number
  readonly ageSeconds: number
  readonly restarts: Readonly<Record<RestartReason, number>>
  readonly events: Readonly<Record<EventType, number>>
  /** Objects missing from a list although no event reported their deletion. */
  readonly missedDeletions: number
  /** Objects that could not be read, and the last of them with the reason. */
  readonly skipped: number
  readonly lastSkipped: string | undefined
}

/** Collects the state of one reflector. */
export class WatchTracker {
  phase: Phase = 'listing'
  synced = false
  lastError: string | undefined
  /** The first list has succeeded or failed. */
  attempted = false
  objects = 0
  lists = 0
  listSeconds = 0
  missedDeletions = 0
  skipped = 0
  lastSkipped: string | undefined
  readonly name: ResourceName
  readonly restarts = zeros(RESTART_REASONS)
  readonly events = zeros(EVENT_TYPES)
  #lastSeconds = 0
  #lastMs = performance.now()

  constructor(name: ResourceName) {
    this.name = name
  }

  /** Call when changes up to `ms` (monotonic) have been seen. */
  received(ms = performance.now()): void {
    this.#lastSeconds = (Date.now() - (performance.now() - ms)) / 1000
    this.#lastMs = ms
  }

  skip(name: string, reason: string): void {
    this.skipped++
    this.lastSkipped = `${name}: ${reason}`
  }

  snapshot(): WatchState {
    const { name, phase, synced, lastError, objects, lists, listSeconds, restarts, events } = this
    const { missedDeletions, skipped, lastSkipped } = this
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
      skipped,
      lastSkipped,
      ...counts,
    }
  }
}

function zeros<const Key extends string>(keys: readonly Key[]): Record<Key, number> {
  return Object.fromEntries(keys.map(key => [key, 0])) as Record<Key, number>
}
