/**
 * probe.ts - `weir probe`: whether the live source can run on this machine, tried and undone.
 */

import { createExporter } from '../agent/exporter.js'
import { explainKernel } from '../agent/source/kernel-errors.js'
import { Live } from '../datapath/source/live.js'
import { loadNative } from '../datapath/source/native.js'

const OPTIONS = {
  interfaces: [],
  uplinks: ['weir-probe-none'],
  netns: undefined,
  attach: 'auto',
  reportIntervalMs: 5000,
  drainIntervalMs: 100,
  ringPages: 1,
  connections: 1,
} as const

/** 0; else throws what stands in the way. */
export function probe(): number {
  const { entities, reducer } = createExporter(undefined, true)
  const troubles: string[] = []
  const live = explainKernel(
    () =>
      new Live(loadNative(), entities, { ...OPTIONS, interfaces: OPTIONS.uplinks }, reducer, {
        onError: (error, what) => troubles.push(`${what}: ${error.message}`),
      }),
  )
  live.close()
  if (troubles.length > 0) throw new Error(troubles.join('; '))
  process.stdout.write('the live source can run here\n')
  return 0
}
