// SPDX-License-Identifier: Apache-2.0
/**
 * debug-line.ts - a DebugMsg and a TraceSockNotify as the monitor prints them.
 *
 * Out:   templates of cilium/cilium pkg/monitor/{datapath_debug,datapath_sock_trace}.go; the empty string at verbosities
 *        that omit them, `info` among them.
 */

import { debugText as message } from '../cilium/debug-text.js'
import { xlatePointWord } from '../cilium/xlate-point.js'
import type { DebugRecord, SockRecord } from '../datapath/record/decode.js'
import { formatAddress, formatIpv4 } from '../lib/address.js'
import { hash, type Style } from './style.js'

const PROTOCOLS = ['unknown', 'tcp', 'udp'] as const

export function debugText(record: DebugRecord, { verbosity, names }: Style, prefix: string): string {
  if (verbosity === 'info') return ''
  const text = message(record, names.interfaceName)
  // Upstream formats this JSON without its encoder, so nothing is escaped for HTML.
  if (verbosity === 'json') return `${JSON.stringify({ cpu: prefix, type: 'debug', message: text })}\n`
  return `${prefix} MARK ${hash(record.hash)} FROM ${record.source} DEBUG: ${text}\n`
}

/** Only `debug` prints socket traces; `verbose` and JSON do not. */
export function sockText(record: SockRecord, { verbosity }: Style, prefix: string): string {
  if (verbosity !== 'debug') return ''
  const address = record.ipv6 ? formatAddress(record.bytes, record.dstAt) : formatIpv4(record.bytes, record.dstAt)
  return (
    `${prefix} [${xlatePointWord(record.point)}] cgroup_id: ${record.cgroup} sock_cookie: ${record.cookie},` +
    ` dst [${address}]:${record.dstPort} ${PROTOCOLS[record.proto] ?? 'unknown'} \n`
  )
}
