// SPDX-License-Identifier: Apache-2.0
/**
 * status.ts - `weir status`: the status of a running Weir or Hubble.
 *
 * Out:   the lines of `hubble status`, then those only Weir has: source, tables, series, losses.
 */
import { ObserverClient, type ServerStatus } from '../hubble/api/client.js'
import { plainText } from '../lib/plain-text.js'

const NS_PER_SECOND = 1e9

/** The exit code. */
export async function status(server: string): Promise<number> {
  const client = await ObserverClient.connect(server)
  try {
    const status = await client.serverStatus()
    process.stdout.write(statusText(status, (await client.getStatus()) ?? []))
    return 0
  } finally {
    client.close()
  }
}

/** `rows`: of Weir itself, name and value. Names of nodes and values come from the server, so control characters are shown. */
export function statusText(status: ServerStatus, rows: readonly (readonly [string, string])[]): string {
  const own = rows.map(([name, value]) => `${name.charAt(0).toUpperCase()}${name.slice(1)}: ${value}`)
  return `${[...statusLines(status), ...own].map(plainText).join('\n')}\n`
}

/** The wording of hubble/cmd/status, 1.19. A single node reports no connected nodes. */
export function statusLines(status: ServerStatus): string[] {
  const { num_flows = '0', max_flows = '0', seen_flows = '0', uptime_ns = '0', flows_rate = 0, version } = status
  const share = Number(max_flows) > 0 ? ` (${((Number(num_flows) / Number(max_flows)) * 100).toFixed(2)}%)` : ''
  const lines = [`Current/Max Flows: ${grouped(num_flows)}/${grouped(max_flows)}${share}`]
  lines.push(`Flows/s: ${flows_rate.toFixed(2)}`)
  const { num_connected_nodes: connected, num_unavailable_nodes: unavailable, unavailable_nodes: names = [] } = status
  if (connected !== undefined) {
    const total = unavailable === undefined ? '' : `/${grouped(String(connected + unavailable))}`
    lines.push(`Connected Nodes: ${grouped(String(connected))}${total}`)
  }
  if (unavailable !== undefined && unavailable > 0) {
    lines.push(`Unavailable Nodes: ${grouped(String(unavailable))}`, ...names.map(name => `  - ${name}`))
  }
  lines.push(`Seen flows: ${grouped(seen_flows)}`)
  lines.push(`Uptime: ${grouped(String(Math.round(Number(uptime_ns) / NS_PER_SECOND)))} s`)
  if (version !== undefined) lines.push(`Version: ${version}`)
  return lines
}

/** `1234567` as `1,234,567`. */
function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ',')
}
