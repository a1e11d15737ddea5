// SPDX-License-Identifier: Apache-2.0
/**
 * capture-line.ts - a DebugCapture as the monitor prints it.
 *
 * Out:   templates of cilium/cilium pkg/monitor/datapath_debug.go; the empty string for captures that `info` omits.
 */
import type { CaptureRecord } from '../datapath/record/decode.js'
import { connectionText } from './connection.js'
import { goJson } from './go-json.js'
import { NO_FLAGS } from './layers/walk.js'
import { packetOf, packetText } from './packet-text.js'
import { hash, type Names, SEPARATOR, type Style } from './style.js'

export function captureText(record: CaptureRecord, style: Style, prefix: string): string {
  const short = shortPrefix(record, style.names)
  if (style.verbosity === 'json') return json(record, short, prefix)
  if (style.verbosity === 'verbose') return verbose(record, style.hex, prefix)
  return short === '' ? '' : `${short}: ${connectionText(packetOf(record), NO_FLAGS)}\n`
}

/** No line end after the text, as upstream. */
function verbose(record: CaptureRecord, hex: boolean, prefix: string): string {
  const header = `${prefix} MARK ${hash(record.hash)} FROM ${record.source} DEBUG: ${record.lenCap} bytes, ${message(record)}`
  return SEPARATOR + header + (record.lenCap === 0 ? '' : packetText(packetOf(record), NO_FLAGS, hex))
}

function json(record: CaptureRecord, short: string, prefix: string): string {
  const fields = {
    cpu: prefix,
    type: 'capture',
    mark: hash(record.hash),
    message: message(record),
    prefix: short || undefined,
    source: record.source,
    bytes: record.lenCap,
    summary: connectionText(packetOf(record), NO_FLAGS),
  }
  return `${goJson(fields)}\n`
}

/** Where the packet was captured; empty for points that upstream's short form omits. */
function shortPrefix({ subtype, arg1 }: CaptureRecord, names: Names): string {
  if (subtype === 4) return `-> ${names.interfaceName(arg1)}`
  if (subtype === 5) return `<- load-balancer ${names.interfaceName(arg1)}`
  if (subtype === 6) return `== v4->v6 ${arg1}`
  if (subtype === 7) return `== v6->v4 ${arg1}`
  return subtype === 9 ? `-> proxy port ${port(arg1)}` : ''
}

function message({ subtype, arg1 }: CaptureRecord): string {
  if (subtype === 4) return `Delivery to ifindex ${arg1}`
  if (subtype === 5) return `Incoming packet to load balancer on ifindex ${arg1}`
  if (subtype === 6) return `Packet after nat46 ifindex ${arg1}`
  if (subtype === 7) return `Packet after nat64 ifindex ${arg1}`
  if (subtype === 8) return `Packet to proxy port ${port(arg1)} (Pre)`
  if (subtype === 9) return `Packet to proxy port ${port(arg1)} (Post)`
  if (subtype === 10) return `Packet going into snat engine on ifindex ${arg1}`
  if (subtype === 11) return `Packet coming from snat engine on ifindex ${arg1}`
  return `Unknown message type=${subtype} arg1=${arg1}`
}

/** The low 16 bits, converted from network order. */
function port(argument: number): number {
  return ((argument & 0xff) << 8) | ((argument >>> 8) & 0xff)
}
