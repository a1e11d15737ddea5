// SPDX-License-Identifier: Apache-2.0
/**
 * address.ts - the address of a flow API: a unix socket or a TCP port, in the syntax of Hubble's flags.
 *
 * In:    `unix:///PATH`, `unix:PATH`, `HOST:PORT`, `[IPV6]:PORT`, `:PORT`; clients also take `tls://HOST:PORT`.
 * Fail:  an Error that names the text and what is allowed.
 */

export type ApiAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls: boolean }

/** The address that a Weir listens on and its clients connect to by default. */
export const DEFAULT_ADDRESS = 'unix:///var/run/weir/hubble.sock'

const TCP = /^(?:\[([0-9a-fA-F:.]+(?:%[^\]]+)?)\]|([^:[\]\s/]*)):(\d{1,5})$/
const MAX_PORT = 65_535
/** sun_path of sockaddr_un, minus the terminating NUL. */
const MAX_PATH = 107

export function parseApiAddress(text: string): ApiAddress {
  if (text.startsWith('unix:')) return { kind: 'unix', path: socketPath(text) }
  const tls = text.startsWith('tls://')
  const found = TCP.exec(tls ? text.slice('tls://'.length) : text)
  const port = Number(found?.[3])
  if (found === null || port > MAX_PORT) {
    throw new Error(
      `invalid address '${text}'; allowed: unix:///PATH, HOST:PORT or [IPV6]:PORT, with a port up to ${MAX_PORT}`,
    )
  }
  return { kind: 'tcp', host: found[1] ?? found[2] ?? '', port, tls }
}

/** The gRPC library's target for connecting. An empty host is this machine. */
export function connectTarget(address: ApiAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`
  return `${hostText(address.host === '' ? 'localhost' : address.host)}:${address.port}`
}

/** Options for node:net's listen(). An empty host is all addresses. */
export function listenOptions(address: ApiAddress): { path: string } | { host?: string; port: number } {
  if (address.kind === 'unix') return { path: address.path }
  return address.host === '' ? { port: address.port } : { host: address.host, port: address.port }
}

function socketPath(text: string): string {
  const path = text.slice('unix:'.length).replace(/^\/\/(?=\/)/, '')
  if (path === '' || path.includes('\0') || Buffer.byteLength(path) > MAX_PATH) {
    throw new Error(`invalid address '${text}'; allowed: unix:///PATH with a path of 1 to ${MAX_PATH} bytes`)
  }
  return path
}

function hostText(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
