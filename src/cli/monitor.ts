// SPDX-License-Identifier: Apache-2.0
/**
 * monitor.ts - `weir monitor`: prints raw records like `cilium monitor`.
 *
 * Fail:  a damaged recording: prints the records up to the damage and one line on stderr; exit code 1.
 */

import { kernelReasons } from '../agent/source/kernel-reasons.js'
import { loadInventory } from '../datapath/inventory/inventory.js'
import type { KernelReasons } from '../datapath/record/reasons.js'
import { RecordingReader } from '../datapath/source/recording-reader.js'
import { plainText } from '../lib/plain-text.js'
import { Filter, type FilterOptions } from '../monitor/filter.js'
import { Formatter } from '../monitor/formatter.js'
import { identityText, type Names, type Verbosity } from '../monitor/style.js'
import { StandardOutput } from './standard-output.js'

export interface MonitorOptions extends FilterOptions {
  /** A recording; either this or `server` is given. */
  readonly inputFile?: string
  readonly server?: string
  readonly inventory?: string
  readonly verbosity: Verbosity
  readonly hex: boolean
  /** Print identities as numbers. */
  readonly numeric: boolean
  /** The CPU number to print; records do not contain it. */
  readonly cpu: number
}

/** The exit code. */
export async function monitor(options: MonitorOptions): Promise<number> {
  const { verbosity, hex, cpu, inputFile, server } = options
  const formatter = new Formatter({ verbosity, hex, names: namesOf(options) }, new Filter(options))
  if (server !== undefined) {
    // Imported on demand: reading a recording does not need gRPC.
    const { monitorServer } = await import('./monitor-server.js')
    return monitorServer(server, formatter, cpu)
  }
  const reader = new RecordingReader(inputFile ?? '')
  const output = new StandardOutput()
  while (!output.closed && reader.next()) {
    if (output.add(formatter.record(reader.view, reader.at, reader.size, cpu))) await output.flush()
  }
  reader.close()
  await output.flush()
  if (reader.damage === undefined) return 0
  process.stderr.write(`weir: ${plainText(reader.damage.message)}\n`)
  return 1
}

/** A recording has the interface indexes of another node, so only the inventory file can name them. */
function namesOf({ inventory, numeric }: MonitorOptions): Names {
  const links = inventory === undefined ? {} : loadInventory(inventory).links
  let reasons: KernelReasons | undefined
  return {
    identity: numeric ? String : identityText,
    interfaceName: ifindex => plainText(links[ifindex] ?? String(ifindex)),
    kernelReason: reason => {
      reasons ??= kernelReasons(false)
      return reasons.name(reason)
    },
  }
}
