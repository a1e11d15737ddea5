// SPDX-License-Identifier: Apache-2.0
/**
 * probe.ts - `weir probe`: checks that the live source works on this machine by starting it without interfaces.
 */
import { createExporter } from '../agent/exporter.js'
import { explainKernel } from '../agent/source/kernel-errors.js'
import { defaultInventory } from '../datapath/inventory/inventory.js'
import { featureText } from '../datapath/source/features.js'
import { Live } from '../datapath/source/live.js'
import { loadNative } from '../datapath/source/native.js'

/** Matches no interface. */
const NO_INTERFACE = ['weir-probe-none']
const OPTIONS = {
  interfaces: NO_INTERFACE,
  uplinks: NO_INTERFACE,
  netns: undefined,
  attach: 'auto',
  reportIntervalMs: 5000,
  drainIntervalMs: 100,
  ringPages: 1,
  connections: 1,
} as const

/** Prints the kernel's features. Returns 0; throws an Error with the reason if the live source does not work. */
export function probe(output: 'text' | 'json'): number {
  const { entities, reducer } = createExporter(defaultInventory(), true)
  const errors: string[] = []
  const live = explainKernel(
    () =>
      new Live(loadNative(), entities, OPTIONS, reducer, {
        onError: (error, what) => errors.push(`${what}: ${error.message}`),
      }),
  )
  live.close()
  if (errors.length > 0) throw new Error(errors.join('; '))
  const text = [...live.features.map(featureText), 'the live source works on this machine'].join('\n')
  process.stdout.write(output === 'json' ? `${JSON.stringify({ features: live.features })}\n` : `${text}\n`)
  return 0
}
