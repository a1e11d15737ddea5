/**
 * live-exporter.ts - Weir on a lab's pods in the test's own process, with names that the test changes.
 *
 * In:    the first inventory; options without a flag in `weir run`: table sizes, a clock.
 * Out:   exporter, names, live source, and the current metrics page.
 * Fail:  an error of the system is thrown, unless the test handles it.
 */
import type { Test } from 'tap'
import { createExporter, type Exporter, otherStores, updateSelf } from '../../src/agent/exporter.js'
import { NameUpdates } from '../../src/agent/names/name-updates.js'
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
  /** hubble_* metrics, in the syntax of the flag. */
  readonly hubble?: string
  /** max_entries by map name. */
  readonly sizes?: Readonly<Record<string, number>>
  /** Replaces facts about the kernel, to run as on another one. */
  readonly kernel?: Partial<Native>
  onError?(error: Error): void
  /** Called before each page. */
  beforePage?(): void
}

export interface LiveExporter {
  readonly exporter: Exporter
  readonly names: NameUpdates
  readonly live: Live
  page(): string
  samples(): Samples
}

/** Starts, and resolves once attached; closed when the test is over. */
export async function liveExporter(t: Test, lab: Lab, options: LiveExporterOptions): Promise<LiveExporter> {
  const {
    inventory,
    hubble,
    sizes = {},
    kernel = {},
    onError = thrown,
    beforePage,
    ttlMs,
    mostGone,
    now,
    ...own
  } = options
  const hubbleMetrics = hubble === undefined ? undefined : parseStatic(hubble)
  const entityOptions = { ttlMs, ...(mostGone && { mostGone }), ...(now && { now }) }
  const exporter = createExporter(inventory, true, { hubbleMetrics, ...entityOptions })
  const settings = { ...LIVE, netns: lab.node.path, ...own }
  const live = new Live({ ...sized(sizes), ...kernel }, exporter.entities, settings, exporter.sink, { onError })
  t.teardown(() => live.close())
  await live.interfaces.attachments.attempted
  const names = new NameUpdates(exporter, live)
  const page = () => {
    live.collect()
    names.refresh()
    updateSelf(exporter, live.decoder, live)
    beforePage?.()
    return render(exporter.store, ...otherStores(exporter)).toString()
  }
  return { exporter, names, live, page, samples: () => Samples.parse(page()) }
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
