/**
 * observe.ts - `weir observe`: print flows as `hubble observe` does.
 *
 * Fail:  a damaged recording: the flows of what precedes the damage, one line on stderr, exit code 1.
 */

import { nodeName } from '../agent/node-name.js'
import { kernelReasons } from '../agent/source/kernel-reasons.js'
import { defaultInventory, loadInventory } from '../datapath/inventory/inventory.js'
import { InventoryResolver } from '../hubble/flow/inventory-resolver.js'
import { nodeStatusLine } from '../hubble/observe/print/node-status-words.js'
import type { Printer } from '../hubble/observe/print/printer.js'
import { createPrinter } from '../hubble/observe/print/printers.js'
import type { TimeFormatter } from '../hubble/observe/print/time-format.js'
import { RecordedFlows } from '../hubble/observe/recorded-flows.js'
import type { FlowSource } from '../hubble/observe/response.js'
import { type Selection, select } from '../hubble/observe/selection.js'
import { explainFile } from '../lib/os-error.js'
import { VERSION } from '../lib/version.js'
import { StandardOutput } from './standard-output.js'

export interface ObserveOptions {
  /** A recording; without it the server. */
  readonly inputFile?: string
  readonly server: string
  /** Go on with flows as they come. */
  readonly follow: boolean
  /** Not only the last 20 of a server. */
  readonly all: boolean
  readonly inventory?: string
  readonly selection: Selection
  readonly output: string
  readonly time: TimeFormatter
  readonly nodeName: boolean
  readonly numeric: boolean
}

/** The exit code. */
export async function observe(options: ObserveOptions): Promise<number> {
  const { inputFile: path, inventory } = options
  if (path === undefined) {
    // Here and not above: a recording needs no gRPC.
    const { observeServer } = await import('./observe-server.js')
    return observeServer(options)
  }
  const resolver = InventoryResolver.from(inventory === undefined ? defaultInventory() : loadInventory(inventory))
  const own = { path, resolver, nodeName: nodeName(), version: VERSION, kernelReasons: kernelReasons(false) }
  const flows = explainFile('recording', path, () => new RecordedFlows(own))
  await show(select(flows, options.selection), printerOf(options), options.time)
  if (flows.damage === undefined) return 0
  process.stderr.write(`weir: ${flows.damage}\n`)
  return 1
}

/** Print a source until it ends, or nobody reads any more; `follow`: each response at once. */
export async function show(source: FlowSource, printer: Printer, time: TimeFormatter, follow = false): Promise<void> {
  const output = new StandardOutput()
  for await (const response of source) {
    if (response.node_status !== undefined) process.stderr.write(nodeStatusLine(response, time))
    if (output.add(printer.print(response)) || follow) await output.flush()
    if (output.closed) return
  }
  output.add(printer.end())
  await output.flush()
}

export function printerOf({ output, time, nodeName, numeric }: ObserveOptions): Printer {
  const printer = createPrinter(output, { time, nodeName, numeric })
  if (printer === undefined) throw new Error(`output ${output} is not known`)
  return printer
}
