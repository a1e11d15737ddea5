/**
 * message.ts - what the watch's thread and the main thread say to each other.
 *
 * Never: holds the cluster: batches of changes, acknowledged one by one, and how the watches are.
 */

import type { PackedChanges } from '../cluster/packed-changes.js'
import type { AccessOptions } from './access.js'
import type { ReflectorTimes } from './reflector.js'
import type { WatchState } from './watch-state.js'

export interface KubernetesOptions extends AccessOptions {
  /** This node, as the API names it. */
  readonly nodeName: string
  /** Cilium's identities: `auto` where the cluster has its kinds. */
  readonly cilium: 'auto' | 'always' | 'never'
  /** Not ready before the first picture of the cluster is complete. */
  readonly requireSync: boolean
  readonly userAgent: string
  /** For tests. */
  readonly times?: ReflectorTimes
}

/** Of the worker: its workerData. */
export interface WorkerStart {
  readonly options: KubernetesOptions
  /** Identity numbers below this were given by an earlier worker. */
  readonly firstIdentity: number
}

export interface ClusterState {
  readonly synced: boolean
  readonly watches: readonly WatchState[]
  /** Keys that wait for the main thread. */
  readonly pending: number
  readonly access: string
  /** Where the next worker's own identity numbers begin. */
  readonly nextIdentity: number
}

export type FromWorker =
  | { readonly kind: 'changes'; readonly packed: PackedChanges }
  | { readonly kind: 'state'; readonly state: ClusterState }
  | { readonly kind: 'refused'; readonly message: string }

export type ToWorker = { readonly kind: 'applied' } | { readonly kind: 'state' } | { readonly kind: 'stop' }
