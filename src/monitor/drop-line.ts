// SPDX-License-Identifier: Apache-2.0
/**
 * drop-line.ts - a DropNotify as the monitor prints it.
 *
 * Out:   templates of cilium/cilium pkg/monitor/datapath_drop.go. Weir's own records have the kernel's reason where
 *        Cilium has none, and source and destination in their extension.
 */

import { dropText as reasonText } from '../cilium/drop-text.js'
import { sourceFile } from '../cilium/source-file.js'
import { DROP } from '../datapath/record/abi.js'
import type { DropRecord } from '../datapath/record/decode.js'
import { connectionText } from './connection.js'
import { goJson } from './go-json.js'
import { packetOf, packetText } from './packet-text.js'
import { dropPeers } from './peers.js'
import { hash, type Names, SEPARATOR, type Style } from './style.js'
import { summaryOf } from './summary.js'

export function dropText(record: DropRecord, style: Style, prefix: string): string {
  if (style.verbosity === 'json') return json(record, style.names, prefix)
  return style.verbosity === 'verbose' ? verbose(record, style, prefix) : line(record, style.names)
}

function line(record: DropRecord, names: Names): string {
  const id = traceId(record)
  const traceIdPart = id === 0n ? '' : ` [ ip-trace-id = ${id} ]`
  return (
    `xx drop (${reason(record, names)}) flow ${hash(record.hash)} to endpoint ${record.dstId}, ifindex ${record.ifindex},` +
    ` file ${sourceFile(record.file)}:${record.line}, ${traceIdPart}${identities(record, names)}: ${connection(record)}\n`
  )
}

/** After the trace ID, the closing bracket and the line end are missing, as upstream. */
function verbose(record: DropRecord, { names, hex }: Style, prefix: string): string {
  const id = traceId(record)
  const traceIdPart = id === 0n ? '' : ` [ IP-TRACE-ID=${id}`
  const hasIdentity = record.srcLabel !== 0 || record.dstLabel !== 0
  const targetPart = record.dstId === 0 ? '' : `, to endpoint ${record.dstId}`
  const header =
    `${prefix} MARK ${hash(record.hash)} FROM ${record.source} DROP: ${record.lenOrig} bytes,` +
    ` reason ${reason(record, names)}${hasIdentity ? identities(record, names) : ''}${targetPart}\n`
  return SEPARATOR + header + traceIdPart + body(record, hex)
}

/** Drops invert the flag, as upstream: a hex dump unless --hex is given. */
function body(record: DropRecord, hex: boolean): string {
  if (hasNoPacket(record)) return `${dropPeers(record).text}\n`
  return record.lenCap === 0 ? '' : packetText(packetOf(record), record, !hex)
}

function json(record: DropRecord, names: Names, prefix: string): string {
  const id = traceId(record)
  const summary = record.lenCap === 0 ? undefined : summaryOf(packetOf(record), record)
  const { l3, l4 } = hasNoPacket(record) ? dropPeers(record) : {}
  const fields = {
    cpu: prefix,
    type: 'drop',
    mark: hash(record.hash),
    reason: reason(record, names),
    source: record.source,
    bytes: record.lenOrig,
    srcLabel: record.srcLabel,
    dstLabel: record.dstLabel,
    dstID: record.dstId,
    Line: record.line,
    File: record.file,
    ExtError: record.extError,
    Ifindex: record.ifindex,
    IPTraceID: id === 0n ? undefined : id,
    summary: l3 === undefined ? summary : { l3, l4 },
  }
  return `${goJson(fields)}\n`
}

function reason(record: DropRecord, names: Names): string {
  if (record.hasExtension && record.reason === 0) return names.kernelReason(record.kernelReason)
  return reasonText(record.reason, record.extError)
}

function identities(record: DropRecord, names: Names): string {
  return `, identity ${names.identity(record.srcLabel)}->${names.identity(record.dstLabel)}`
}

/** A bigint, because a number does not hold all 64 bits. */
function traceId(record: DropRecord): bigint {
  return record.version < 3 ? 0n : record.view.getBigUint64(record.at + DROP.ipTraceId, true)
}

function hasNoPacket(record: DropRecord): boolean {
  return record.hasExtension && record.packetLength === 0
}

function connection(record: DropRecord): string {
  return hasNoPacket(record) ? dropPeers(record).text : connectionText(packetOf(record), record)
}
