// SPDX-License-Identifier: Apache-2.0
/**
 * observe-print.ts - prints flows to standard output in the format of -o.
 *
 * In:    a source of flows: a recording or a server.
 * Out:   flows on standard output; the state of a Relay's nodes on standard error.
 */
import { nodeStatusLine } from '../hubble/observe/print/node-status-text.js'
import { createPrinter } from '../hubble/observe/print/printers.js'
import type { FlowSource } from '../hubble/observe/response.js'
import type { ObserveOptions } from './observe-options.js'
import { StandardOutput } from './standard-output.js'

type PrintOptions = Pick<ObserveOptions, 'output' | 'time' | 'nodeName' | 'numeric' | 'follow'>

/** Prints a source until it ends or the reader closes the pipe. With `follow`, flushes after each response. */
export async function printFlows(source: FlowSource, options: PrintOptions): Promise<void> {
  const { output: format, time, follow } = options
  const printer = createPrinter(format, options)
  if (printer === undefined) throw new Error(`output ${format} is not known`)
  const output = new StandardOutput()
  for await (const response of source) {
    if (response.node_status !== undefined) process.stderr.write(nodeStatusLine(response, time))
    if (output.add(printer.print(response)) || follow) await output.flush()
    if (output.closed) return
  }
  output.add(printer.end())
  await output.flush()
}
