// SPDX-License-Identifier: Apache-2.0
/**
 * message.ts - messages between the watch's thread and the main thread.
 *
 * Out:   batches of changes, each acknowledged, and the state of the watches.
 */

import type { PackedChanges } from '../cluster/packed-changes.js'
import type { AccessOptions } from './access.js'
import type { ReflectorTimes } from './reflector.js'
import type { WatchState } from './watch-state.js'

export interface KubernetesOptions extends AccessOptions {
  /** Name of this node in the API. */
  readonly nodeName: string
  /** Whether to watch Cilium's identities; `auto`: if the cluster has its resources. */
  readonly cilium: 'auto' | 'always' | 'never'
  /** Not ready until the cluster has synced once. */
  readonly requireSync: boolean
  readonly userAgent: string
  /** For tests. */
  readonly times?: ReflectorTimes
}

/** The worker's workerData. */
export interface WorkerStart {
  readonly options: KubernetesOptions
  /** The first identity number to allocate; earlier workers allocated lower ones. */
  readonly firstIdentity: number
}

export interface ClusterState {
  readonly synced: boolean
  readonly watches: readonly WatchState[]
  /** Keys that wait for a batch. */
  readonly pending: number
  readonly access: string
  /** WorkerStart.firstIdentity of the next worker. */
  readonly nextIdentity: number
}

export type FromWorker =
  | { readonly kind: 'changes'; readonly packed: PackedChanges }
  | { readonly kind: 'state'; readonly state: ClusterState }
  | { readonly kind: 'refused'; readonly message: string }

export type ToWorker = { readonly kind: 'applied' } | { readonly kind: 'state' }
