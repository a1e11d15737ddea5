/**
 * port-name.ts - a port with its service: `443(https)`.
 *
 * In:    the registry in port-registry.ts, read at the first call: a summary needs no names.
 * Out:   the port as gopacket writes it in a dump.
 */
import { PORT_REGISTRY } from './port-registry.js'

type Protocol = 't' | 'u' | 's'

let registry: Record<Protocol, Map<number, string>> | undefined

export function tcpPort(port: number): string {
  return portText('t', port)
}

export function udpPort(port: number): string {
  return portText('u', port)
}

export function sctpPort(port: number): string {
  return portText('s', port)
}

function portText(protocol: Protocol, port: number): string {
  registry ??= readRegistry()
  const name = registry[protocol].get(port)
  return name === undefined ? String(port) : `${port}(${name})`
}

/** A line is `protocols|first-port|name|name...`: names of ports in a row. */
function readRegistry(): Record<Protocol, Map<number, string>> {
  const maps = { t: new Map<number, string>(), u: new Map<number, string>(), s: new Map<number, string>() }
  for (const line of PORT_REGISTRY.trim().split('\n')) {
    const [protocols, first, ...names] = line.split('|')
    for (const protocol of protocols as Iterable<Protocol>)
      for (const [i, name] of names.entries()) maps[protocol].set(Number(first) + i, name)
  }
  return maps
}
