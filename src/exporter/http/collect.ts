/**
 * collect.ts - bring a store up to date before it is read, and say in it whether that worked.
 *
 * Fail:  an OS error in collect() (it has .syscall) puts weir_stage_up{stage="collect"} to 0, and the store is read as it is; any
 *        other error is a bug and is thrown.
 */
import { M } from '../catalog/catalog.js'
import type { SeriesStore } from '../series/series.js'

export interface Collecting {
  readonly store: SeriesStore
  readonly collect: () => void
  /** Told the OS error that collect() ended with, to be logged. */
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
