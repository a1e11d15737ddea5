/**
 * live-exporter.ts - Weir on a lab's pods in the test's own process, its names in the test's hand.
 *
 * In:    a world to begin with; options that `weir run` has no flag for: table sizes, a clock.
 * Out:   the exporter, the live source, the page of now.
 * Fail:  what the system refuses is thrown, unless the test takes it.
 */
import type { Test } from 'tap'
import { type Exporter, exporterOf, otherStores, updateSelf } from '../../src/agent/exporter.js'
import type { EntityOptions } from '../../src/datapath/identity/entities.js'
import type { Inventory } from '../../src/datapath/inventory/inventory.js'
import { Live, type LiveOptions } from '../../src/datapath/source/live.js'
import { loadNative, type Native } from '../../src/datapath/source/native.js'
import { render } from '../../src/exporter/exposition/text.js'
import { parseStatic } from '../../src/hubble/metrics/grammar.js'
import type { Lab } from '../../src/lab/lab.js'
import { LIVE } from './in-process.js'
import { Samples } from './samples.js'

export interface LiveExporterOptions extends EntityOptions, Partial<LiveOptions> {
  readonly inventory: Inventory
  /** hubble_* metrics, as the flag has them. */
  readonly hubble?: string
  /** max_entries of tables by name. */
  readonly sizes?: Readonly<Record<string, number>>
  onError?(error: Error): void
  /** Before each page. */
  tell?(): void
}

export interface LiveExporter {
  readonly exporter: Exporter
  readonly live: Live
  page(): string
  samples(): Samples
}

/** Start; gone when the test is over. */
export function liveExporter(t: Test, lab: Lab, options: LiveExporterOptions): LiveExporter {
  const { inventory, hubble, sizes = {}, onError = thrown, tell, ttlMs, mostGone, now, ...own } = options
  const names = { ttlMs, ...(mostGone && { mostGone }), ...(now && { now }) }
  const exporter = exporterOf(inventory, true, hubble === undefined ? undefined : parseStatic(hubble), names)
  const settings = { ...LIVE, netns: lab.node.path, ...own }
  const live = new Live(sized(sizes), exporter.entities, settings, exporter.sink, { onError })
  t.teardown(() => live.close())
  exporter.names.live = live
  const page = () => {
    live.collect()
    updateSelf(exporter, live.decoder, live)
    tell?.()
    return render(exporter.store, ...otherStores(exporter)).toString()
  }
  return { exporter, live, page, samples: () => Samples.parse(page()) }
}

function sized(sizes: Readonly<Record<string, number>>): Native {
  const native = loadNative()
  const openObject: Native['openObject'] = (path, own) =>
    native.openObject(path, { ...own, sizes: { ...own.sizes, ...sizes } })
  return { ...native, openObject }
}

function thrown(error: Error): never {
  throw error
}
