/**
 * message.ts - what the main thread and the worker tell each other.
 *
 * The main thread speaks only while the worker is idle: it tells rows that came and went, writes their values into shared
 * memory, says `export`, and is silent until `done`. So the shared cells need no lock, and one export is in flight at most.
 */
import type { OtlpConfig } from './config.js'
import type { Attributes } from './resource.js'

/** A row's cells in shared memory: when it began (or was last accepted), then its values. */
export interface SharedCells {
  /** Milliseconds since 1970 at which a row began to count; its values now. Written by the main thread. */
  readonly values: SharedArrayBuffer
  /** Milliseconds since 1970 of the point that the receiver accepted last, 0 for none; its values. */
  readonly accepted: SharedArrayBuffer
}

/** A family as the worker has to know it. */
export interface FamilyHead {
  readonly number: number
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly buckets: readonly number[]
}

/** Rows that came, of one family. */
export interface NewRows {
  readonly kind: 'rows'
  readonly family: number
  /** First cells, one a row. */
  readonly ids: Uint32Array
  /** For each row: how many labels, then for each an index of its name and of its value in `words`. */
  readonly labels: Uint32Array
  readonly words: readonly string[]
}

export type ToWorker =
  | { readonly kind: 'cells'; readonly cells: SharedCells }
  | { readonly kind: 'family'; readonly head: FamilyHead }
  | { readonly kind: 'familyGone'; readonly family: number }
  | NewRows
  | { readonly kind: 'gone'; readonly family: number; readonly ids: Uint32Array }
  /** `time`: of the points, milliseconds since 1970. `withinMs`: what the export may take in all. */
  | { readonly kind: 'export'; readonly time: number; readonly withinMs: number }
  /** Say `heard` when all before was done. */
  | { readonly kind: 'hear' }
  | { readonly kind: 'close' }

/** What became of an export: of its first request that did not succeed, if any. */
export const OUTCOMES = [
  'success',
  'partial',
  'refused',
  'throttled',
  'unavailable',
  'timeout',
  'unreachable',
  'broken',
  'worker_died',
] as const
export type Outcome = (typeof OUTCOMES)[number]

/** The SDK is loaded, which takes a second on a busy machine: no part of an export's time. */
export interface Ready {
  readonly kind: 'ready'
}

/** All that was told before `hear` is known. */
export interface Heard {
  readonly kind: 'heard'
}

export type FromWorker = Ready | Heard | Done

export interface Done {
  readonly kind: 'done'
  readonly outcome: Outcome
  /** In words, when it is no success. */
  readonly why: string
  readonly requests: number
  /** Points that the receiver accepted, and that it rejected in a partial success. */
  readonly accepted: number
  readonly rejected: number
  /** Last points of removed series that were not accepted and for which there was no more room, and values that no JSON has. */
  readonly dropped: number
  /** Milliseconds in which the receiver wants no export (Retry-After). */
  readonly pauseMs: number
  /** Milliseconds in which the worker's thread was busy; zlib's are not among them. */
  readonly busyMs: number
}

export interface WorkerStart {
  readonly config: OtlpConfig
  readonly resource: Attributes
  readonly version: string
}
