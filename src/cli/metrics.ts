// SPDX-License-Identifier: Apache-2.0
/**
 * metrics.ts - `weir metrics`: prints the metrics of a recording, or with --dry-run the number of series they need.
 *
 * Fail:  a damaged recording: prints the metrics up to the damage and one line on stderr; exit code 1.
 */

import { once } from 'node:events'
import { createExporter, otherStores, updateSelf } from '../agent/exporter.js'
import { inventoryOrDefault } from '../agent/names/inventory-or-default.js'
import { Decoder } from '../datapath/record/decode.js'
import { Replay } from '../datapath/source/replay.js'
import { render } from '../exporter/exposition/text.js'
import { cardinality, cardinalityTable } from '../exporter/reduce/cardinality.js'
import { budgetOf, MAX_BUDGET, type MetricsConfig } from '../exporter/reduce/metrics-config.js'
import type { Reducer } from '../exporter/reduce/reduce.js'
import type { MetricConfig } from '../hubble/metrics/config.js'
import { explainFile } from '../lib/os-error.js'
import { plainText } from '../lib/plain-text.js'

export interface MetricsOptions {
  readonly inputFile: string
  readonly inventory: string | undefined
  readonly hubbleMetrics?: readonly MetricConfig[]
  /** Configuration of the flow families. */
  readonly metrics: MetricsConfig
  /** Print series counts in this format instead of the metrics. */
  readonly dryRun?: 'table' | 'json'
}

/** The exit code. */
export async function metrics(options: MetricsOptions): Promise<number> {
  const { inputFile, hubbleMetrics } = options
  const exporter = createExporter(inventoryOrDefault(options.inventory), false, { hubbleMetrics })
  // Without budgets, so that the counts include the series a budget would refuse.
  const unbounded = { ...options.metrics, budget: MAX_BUDGET, budgets: {} }
  const bounds = options.dryRun === undefined ? options.metrics : unbounded
  exporter.reducer.apply(bounds)
  exporter.hubble?.setBudgets(name => budgetOf(bounds, name))
  const decoder = new Decoder()
  const result = explainFile('recording', inputFile, () => new Replay(inputFile).run(decoder, exporter.sink))
  updateSelf(exporter, decoder)
  const text =
    options.dryRun === undefined
      ? render(exporter.store, ...otherStores(exporter))
      : costText(exporter.reducer, options.metrics, options.dryRun)
  if (!process.stdout.write(text)) await once(process.stdout, 'drain')
  if (result.damage === undefined) return 0
  process.stderr.write(`weir: ${plainText(result.damage)}\n`)
  return 1
}

function costText(reducer: Reducer, config: MetricsConfig, format: 'table' | 'json'): string {
  const costs = cardinality(reducer.families(), config)
  return format === 'json' ? `${JSON.stringify(costs, null, 2)}\n` : cardinalityTable(costs)
}
