// SPDX-License-Identifier: Apache-2.0
/**
 * collect.ts - updates a store before a page reads it, and records there whether that succeeded.
 *
 * Fail:  an OS error in collect() (it has .syscall) sets weir_stage_up{stage="collect"} to 0, and the page shows the store as it
 *        is. Any other error is a bug and is thrown.
 */
import { M } from '../catalog/catalog.js'
import type { SeriesStore } from '../series/series.js'

export interface Collecting {
  readonly store: SeriesStore
  readonly collect: () => void
  /** Called with the OS error of a failed collect(), for the log. */
  readonly onCollectError?: (error: Error) => void
}

export function collectInto({ store, collect, onCollectError }: Collecting): void {
  const up = store.family(M.stageUp).series(['collect'])
  try {
    collect()
    store.set(up, 1)
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    store.set(up, 0)
    onCollectError?.(error)
  }
}
