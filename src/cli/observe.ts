// SPDX-License-Identifier: Apache-2.0
/**
 * observe.ts - `weir observe`: prints flows like `hubble observe`.
 *
 * Fail:  a damaged recording: prints the flows up to the damage and one line on stderr; exit code 1.
 */

import { inventoryOrDefault } from '../agent/names/inventory-or-default.js'
import { nodeName } from '../agent/node-name.js'
import { kernelReasons } from '../agent/source/kernel-reasons.js'
import { InventoryResolver } from '../hubble/flow/inventory-resolver.js'
import { RecordedFlows } from '../hubble/observe/recorded-flows.js'
import { predicateOf, select } from '../hubble/observe/selection.js'
import { explainFile } from '../lib/os-error.js'
import { plainText } from '../lib/plain-text.js'
import { VERSION } from '../lib/version.js'
import type { ObserveOptions } from './observe-options.js'
import { printFlows } from './observe-print.js'

/** The exit code. */
export async function observe(options: ObserveOptions): Promise<number> {
  const { inputFile: path, inventory } = options
  if (path === undefined) {
    // Imported on demand: reading a recording does not need gRPC.
    const { observeServer } = await import('./observe-server.js')
    return observeServer(options)
  }
  const resolver = InventoryResolver.from(inventoryOrDefault(inventory))
  const own = { path, resolver, nodeName: nodeName(), version: VERSION, kernelReasons: kernelReasons(false) }
  const flows = explainFile('recording', path, () => new RecordedFlows(own))
  const { selection } = options
  const { last } = selection
  const selected = last === undefined ? select(flows, selection) : flows.last(last, predicateOf(selection))
  await printFlows(selected, options)
  if (flows.oddTimes > 0)
    process.stderr.write(
      `weir: ${flows.oddTimes} records have a time with more than 999999999 ns; read as 999999999 ns\n`,
    )
  if (flows.damage === undefined) return 0
  process.stderr.write(`weir: ${plainText(flows.damage)}\n`)
  return 1
}
