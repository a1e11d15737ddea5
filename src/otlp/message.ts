// SPDX-License-Identifier: Apache-2.0
/**
 * message.ts - messages between the main thread and the export worker.
 *
 * The main thread posts only while the worker is idle: it announces added and removed series, writes their values into shared
 * memory, posts `export`, then stays silent until `done`. So the shared cells need no lock, and at most one export is in flight.
 */
import type { OtlpConfig } from './config.js'
import type { Attributes } from './resource.js'

/** Shared memory that holds the cells of every series: a time, then the values. */
export interface SharedCells {
  /** Time at which the series started counting, in milliseconds since 1970; its current values. Written by the main thread. */
  readonly values: SharedArrayBuffer
  /** Time of the last point that the receiver accepted, in milliseconds since 1970, 0 for none; the values of that point. */
  readonly accepted: SharedArrayBuffer
}

/** What the worker needs to know of a family. */
export interface FamilyHead {
  readonly number: number
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly buckets: readonly number[]
}

/** Series added to one family. */
export interface NewSeries {
  readonly kind: 'series'
  readonly family: number
  /** The first cell of each series. */
  readonly ids: Uint32Array
  /** For each series: its number of labels, then for each label the indexes of name and value in `texts`. */
  readonly labels: Uint32Array
  readonly texts: readonly string[]
}

export type ToWorker =
  | { readonly kind: 'cells'; readonly cells: SharedCells }
  | { readonly kind: 'family'; readonly head: FamilyHead }
  | { readonly kind: 'familyRemoved'; readonly family: number }
  | NewSeries
  | { readonly kind: 'removed'; readonly family: number; readonly ids: Uint32Array }
  /** `time`: of the points, milliseconds since 1970. `withinMs`: time limit of the whole export. */
  | { readonly kind: 'export'; readonly time: number; readonly withinMs: number }
  /** Reply `acknowledged` once all earlier messages are processed. */
  | { readonly kind: 'acknowledge' }

/** Result of an export: that of its first request that did not succeed, if any. */
export const PUSH_RESULTS = [
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
export type PushResult = (typeof PUSH_RESULTS)[number]

/** The SDK is loaded. That takes a second on a busy machine and does not count as export time. */
export interface Ready {
  readonly kind: 'ready'
}

/** All messages before `acknowledge` are processed. */
export interface Acknowledged {
  readonly kind: 'acknowledged'
}

export type FromWorker = Ready | Acknowledged | Done

export interface Done {
  readonly kind: 'done'
  readonly result: PushResult
  /** Error text; empty on success. */
  readonly detail: string
  readonly requests: number
  /** Points that the receiver accepted, and points that it rejected in a partial success. */
  readonly accepted: number
  readonly rejected: number
  /** Last points of removed series that were evicted before the receiver accepted them, and values that JSON cannot hold. */
  readonly dropped: number
  /** Milliseconds for which the receiver asked for no export (Retry-After). */
  readonly pauseMs: number
  /** Milliseconds in which the worker's thread was busy, without zlib's threads. */
  readonly busyMs: number
}

export interface WorkerStart {
  readonly config: OtlpConfig
  readonly resource: Attributes
  readonly version: string
}
