/**
 * exporter.ts - the parts of one exporter, put together: names, store, reduce, self metrics.
 *
 * Out:   what `weir run`, `weir metrics` and `weir demo` share.
 */
import type { Decoder } from '../datapath/decode.js'
import { Entities } from '../datapath/entities.js'
import { Live } from '../datapath/live.js'
import { loadNative } from '../datapath/native.js'
import { KernelReasons } from '../datapath/reasons.js'
import { defaultWorld, loadWorld, type World } from '../datapath/world.js'
import { tellBudgets } from '../exporter/budget.js'
import { Reducer } from '../exporter/reduce.js'
import { SelfMetrics } from '../exporter/self.js'
import { SeriesStore } from '../exporter/series.js'
import { REVISION, VERSION } from './version.js'

export interface Exporter {
  readonly store: SeriesStore
  readonly entities: Entities
  readonly reducer: Reducer
  readonly self: SelfMetrics
}

/** `live`: the entities in records are this process's own. */
export function createExporter(worldFile: string | undefined, live: boolean): Exporter {
  return exporterOf(worldFile === undefined ? defaultWorld() : loadWorld(worldFile), live)
}

export function exporterOf(world: World, live: boolean): Exporter {
  const entities = Entities.from(world)
  const store = new SeriesStore()
  return {
    store,
    entities,
    reducer: new Reducer(store, entities, kernelReasons(live), live),
    self: new SelfMetrics(store, VERSION, REVISION),
  }
}

/** Bring the self metrics up to date. */
export function tellSelf({ self, reducer, entities, store }: Exporter, decoder: Decoder, live?: Live): void {
  self.records(decoder, reducer, entities)
  if (live !== undefined) self.live(live)
  tellBudgets(store)
}

/** A recording may be read where there is no kernel to ask: then its reasons stay numbers. */
function kernelReasons(needed: boolean): KernelReasons {
  try {
    return new KernelReasons(loadNative().kernelEnum('skb_drop_reason'))
  } catch (error) {
    if (needed) throw error
    return new KernelReasons([])
  }
}

export { Live }
