// SPDX-License-Identifier: Apache-2.0
/**
 * listen-address.ts - a listen address: `:PORT`, `HOST:PORT` or `[IPV6]:PORT`, as Prometheus's exporters write it.
 *
 * In:    the text of --web.listen-address.
 * Fail:  an Error that names the text and what is allowed.
 */

export interface ListenAddress {
  /** Absent: every interface, IPv6 and IPv4. */
  readonly host?: string
  /** 0: any free port. */
  readonly port: number
}

const SHAPE = /^(?:\[([0-9a-fA-F:.]+(?:%[^\]]+)?)\]|([^:[\]\s/]*)):(\d{1,5})$/

export function parseListenAddress(text: string): ListenAddress {
  const found = SHAPE.exec(text)
  const port = Number(found?.[3])
  if (found === null || port > 65535) {
    throw new Error(`listen address '${text}': expected :PORT, HOST:PORT or [IPV6]:PORT, with a port from 0 to 65535`)
  }
  const host = found[1] ?? found[2]
  return host === undefined || host === '' ? { port } : { host, port }
}

/** Where a browser on this machine finds the server. */
export function urlOf({ host }: ListenAddress, port: number, tls = false): string {
  const scheme = tls ? 'https' : 'http'
  if (host === undefined) return `${scheme}://localhost:${port}`
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
}
