/**
 * metrics.ts - `weir metrics`: reduce a recording and print the exposition.
 *
 * Fail:  a damaged recording: the exposition of what precedes the damage, one line on stderr, exit code 1.
 */
import { once } from 'node:events'
import { Decoder } from '../datapath/decode.js'
import { Replay } from '../datapath/replay.js'
import { render } from '../exporter/text.js'
import type { MetricConfig } from '../hubble/config.js'
import { createExporter, otherStores, tellSelf } from './exporter.js'
import { explainFile } from './os-error.js'

export interface MetricsOptions {
  readonly inputFile: string
  readonly world: string | undefined
  readonly hubbleMetrics?: readonly MetricConfig[]
}

/** The exit code. */
export async function metrics(options: MetricsOptions): Promise<number> {
  const { inputFile } = options
  const exporter = createExporter(options.world, false, options.hubbleMetrics)
  const decoder = new Decoder()
  const result = explainFile('recording', inputFile, () => new Replay(inputFile).run(decoder, exporter.sink))
  tellSelf(exporter, decoder)
  if (!process.stdout.write(render(exporter.store, ...otherStores(exporter)))) await once(process.stdout, 'drain')
  if (result.damage === undefined) return 0
  process.stderr.write(`weir: ${result.damage}\n`)
  return 1
}
