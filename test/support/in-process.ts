/**
 * in-process.ts - Weir's live source, reduce and series in the test's own process, for options without a flag in `weir run`.
 *
 * In:    an inventory file; idle times and table sizes.
 * Out:   the metrics page as samples, and the BPF object, to run its programs on packets of the test.
 * Fail:  as new Live(); later errors of the system are thrown.
 */
import { createExporter, updateSelf } from '../../src/agent/exporter.js'
import { loadInventory } from '../../src/datapath/inventory/inventory.js'
import { Live, type LiveOptions } from '../../src/datapath/source/live.js'
import { type BpfObject, loadNative } from '../../src/datapath/source/native.js'
import { render } from '../../src/exporter/exposition/text.js'
import { type MetricsConfig, metricsConfig } from '../../src/exporter/reduce/metrics-config.js'
import type { Gauge } from './gauged-lab.js'
import { Samples } from './samples.js'

export interface InProcess extends Gauge {
  readonly live: Live
  readonly object: BpfObject
}

export interface InProcessOptions extends Partial<LiveOptions> {
  /** max_entries by map name. */
  readonly sizes?: Readonly<Record<string, number>>
  /** Labels of flow families, by name. */
  readonly families?: MetricsConfig['families']
}

/** Options of a live source that flushes the kernel tables only on request. */
export const LIVE: LiveOptions = {
  interfaces: [],
  uplinks: [],
  netns: undefined,
  attach: 'auto',
  reportIntervalMs: 3_600_000,
  drainIntervalMs: 10,
  ringPages: 64,
  connections: 65_536,
}

/** Starts, and resolves once attached; flushes the kernel tables on each metrics() and at the report interval, if one is given. */
export async function inProcess(
  inventory: string,
  { sizes = {}, families = {}, ...options }: InProcessOptions,
): Promise<InProcess> {
  const exporter = createExporter(loadInventory(inventory), true)
  exporter.reducer.apply(metricsConfig({ families }))
  const native = loadNative()
  let object: BpfObject | undefined
  const sized: typeof native = {
    ...native,
    openObject(path, own) {
      object = native.openObject(path, { ...own, sizes: { ...own.sizes, ...sizes } })
      return object
    },
  }
  const live = new Live(sized, exporter.entities, { ...LIVE, ...options }, exporter.reducer, {
    onError: error => {
      throw error
    },
  })
  if (object === undefined) throw new Error('Live opened no object')
  await live.interfaces.attachments.attempted
  return {
    live,
    object,
    async metrics() {
      live.collect()
      updateSelf(exporter, live.decoder, live)
      return Samples.parse(render(exporter.store).toString())
    },
    stop: () => live.close(),
  }
}
