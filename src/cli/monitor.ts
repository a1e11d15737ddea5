/**
 * monitor.ts - `weir monitor`: print raw records as `cilium monitor` does.
 *
 * Fail:  a damaged recording: the lines of what precedes the damage, one line on stderr, exit code 1.
 */

import { kernelReasons } from '../agent/source/kernel-reasons.js'
import { loadInventory } from '../datapath/inventory/inventory.js'
import type { KernelReasons } from '../datapath/record/reasons.js'
import { RecordingReader } from '../datapath/source/recording-reader.js'
import { Filter, type FilterOptions } from '../monitor/filter.js'
import { Formatter } from '../monitor/formatter.js'
import { identityText, type Names, type Verbosity } from '../monitor/style.js'
import { StandardOutput } from './standard-output.js'

export interface MonitorOptions extends FilterOptions {
  /** A recording, or else a server. */
  readonly inputFile?: string
  readonly server?: string
  readonly inventory?: string
  readonly verbosity: Verbosity
  readonly hex: boolean
  /** Identities as numbers only. */
  readonly numeric: boolean
  /** The CPU to print; a recording does not tell it. */
  readonly cpu: number
}

/** The exit code. */
export async function monitor(options: MonitorOptions): Promise<number> {
  const { verbosity, hex, cpu, inputFile, server } = options
  const formatter = new Formatter({ verbosity, hex, names: namesOf(options) }, new Filter(options))
  if (server !== undefined) {
    // Here and not above: a recording needs no gRPC.
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
  process.stderr.write(`weir: ${reader.damage.message}\n`)
  return 1
}

/** Interfaces are those of the node that wrote the recording, so only the inventory file can name them. */
function namesOf({ inventory, numeric }: MonitorOptions): Names {
  const links = inventory === undefined ? {} : loadInventory(inventory).links
  let reasons: KernelReasons | undefined
  return {
    identity: numeric ? String : identityText,
    interfaceName: ifindex => links[ifindex] ?? String(ifindex),
    kernelReason: reason => {
      reasons ??= kernelReasons(false)
      return reasons.name(reason)
    },
  }
}
