// SPDX-License-Identifier: Apache-2.0
/**
 * port-name.ts - a port with its service name, as gopacket writes it in a dump: `443(https)`.
 *
 * In:    ports.csv, read at the first call: only dumps print service names.
 * Fail:  throws the system's error when ports.csv is missing.
 */
import { readFileSync } from 'node:fs'

const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const
type Protocol = (typeof PROTOCOLS)[number]
type ServiceNames = Readonly<Record<Protocol, Map<number, string>>>

let services: ServiceNames | undefined

export function tcpPort(port: number): string {
  return portText('tcp', port)
}

export function udpPort(port: number): string {
  return portText('udp', port)
}

export function sctpPort(port: number): string {
  return portText('sctp', port)
}

function portText(protocol: Protocol, port: number): string {
  services ??= readServices()
  const name = services[protocol].get(port)
  return name === undefined ? String(port) : `${port}(${name})`
}

/** A line is `port,protocols,service`, a comment starts with `#`. */
function readServices(): ServiceNames {
  const names: ServiceNames = { tcp: new Map(), udp: new Map(), sctp: new Map() }
  const text = readFileSync(new URL('./ports.csv', import.meta.url), 'utf8')
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const [port, protocols = '', name = ''] = line.split(',')
    for (const protocol of PROTOCOLS)
      if (protocols.split('/').includes(protocol)) names[protocol].set(Number(port), name)
  }
  return names
}
