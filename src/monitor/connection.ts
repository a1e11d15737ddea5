// SPDX-License-Identifier: Apache-2.0
/**
 * connection.ts - a packet in short form: `10.0.0.1:43210 -> 10.0.0.2:80 tcp SYN`.
 *
 * In:    the captured bytes, and the record's flags about them. Records without a packet are in peers.ts.
 * Out:   what `cilium monitor` prints after the colon; `[unknown]` for an empty packet, `[error]` for a malformed one.
 */
import type { Ethernet } from './layers/ethernet.js'
import type { Flow, Layer } from './layers/layer.js'
import type { Span } from './layers/span.js'
import { type Dissection, dissect, type PacketKind } from './layers/walk.js'

const UNKNOWN = '[unknown]'
const ERROR = '[error]'

export function connectionText(packet: Span, kind: PacketKind): string {
  if (packet.length === 0) return UNKNOWN
  const dissection = dissect(packet, kind)
  if (dissection.outer.error !== undefined || dissection.inner?.error !== undefined) return ERROR
  return dissectionText(dissection)
}

function dissectionText({ outer, inner }: Dissection): string {
  const [tunnel, ...layers] = inner?.layers ?? []
  if (tunnel === undefined) return layersText(outer.layers)
  const { ip, transport } = innermost(outer.layers)
  const peers = `${hostPort(ip?.src, transport?.src)} -> ${hostPort(ip?.dst, transport?.dst)}`
  return `${layersText(layers)} [tunnel ${peers} ${tunnel.name.toLowerCase()}]`
}

function layersText(layers: readonly Layer[]): string {
  const { ethernet, ip, transport, detail } = innermost(layers)
  if (ip === undefined) return ethernet === undefined ? UNKNOWN : `${arrow(ethernet.flow)} ${ethernet.type}`
  if (detail === undefined) return arrow(ip)
  if (transport === undefined) return `${arrow(ip)} ${detail}`
  return `${peersText(ip, transport)} ${detail}`
}

/** Source and destination, each with its port. */
export function peersText(ip: Flow, ports: Flow): string {
  return `${hostPort(ip.src, ports.src)} -> ${hostPort(ip.dst, ports.dst)}`
}

interface Innermost {
  ethernet: Ethernet | undefined
  ip: Flow | undefined
  /** Ports; undefined for a protocol without ports. */
  transport: Flow | undefined
  detail: string | undefined
}

/** The innermost layer of each kind, as upstream. */
function innermost(layers: readonly Layer[]): Innermost {
  const found: Innermost = { ethernet: undefined, ip: undefined, transport: undefined, detail: undefined }
  for (const layer of layers) {
    if (layer.name === 'Ethernet') found.ethernet = layer as Ethernet
    else if (layer.name === 'IPv4' || layer.name === 'IPv6') found.ip = layer.flow
    else if (layer.detail !== undefined) {
      found.detail = layer.detail
      found.transport = layer.flow
    }
  }
  return found
}

function arrow({ src, dst }: Flow): string {
  return `${src} -> ${dst}`
}

/** An address with a colon is put in brackets. */
function hostPort(host = '<nil>', port = '0'): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
