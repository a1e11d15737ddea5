// SPDX-License-Identifier: Apache-2.0
/**
 * trace-line.ts - a TraceNotify as the monitor prints it.
 *
 * Out:   templates of cilium/cilium pkg/monitor/datapath_trace.go. Weir's flush records have no packet; their summary
 *        comes from the extension.
 */

import { traceReasonWord } from '../cilium/trace-reason.js'
import { TRACE } from '../datapath/record/abi.js'
import type { TraceRecord } from '../datapath/record/decode.js'
import { observationPointName, Point } from '../datapath/record/observation-point.js'
import { formatAddress, formatIpv4 } from '../lib/address.js'
import { connectionText } from './connection.js'
import { goJson } from './go-json.js'
import { packetOf, packetText } from './packet-text.js'
import { tracePeers } from './peers.js'
import { hash, type Names, SEPARATOR, type Style } from './style.js'
import { summaryOf } from './summary.js'

/** Where the packet comes from or goes to, by observation point. Endpoints and the proxy are followed by a number. */
const SUMMARIES = [
  '-> endpoint',
  '-> proxy',
  '-> host from',
  '-> stack',
  '-> overlay',
  '<- endpoint',
  '<- proxy',
  '<- host',
  '<- stack',
  '<- overlay',
  '<- network',
  '-> network',
  '<- crypto',
  '-> crypto',
] as const

export function traceText(record: TraceRecord, style: Style, prefix: string): string {
  if (style.verbosity === 'json') return json(record, style.names, prefix)
  return style.verbosity === 'verbose' ? verbose(record, style, prefix) : line(record, style.names)
}

function line(record: TraceRecord, names: Names): string {
  const encrypted = record.encrypted ? 'encrypted  ' : ''
  const id = traceId(record)
  const traceIdPart = id === 0n ? '' : ` [ ip-trace-id = ${id} ]`
  return (
    `${traceSummary(record)} ${encrypted}flow ${hash(record.hash)} ${identities(record, names)}${traceIdPart} state ${reason(record)}` +
    ` ifindex ${names.interfaceName(record.ifindex)} orig-ip ${origIp(record)}: ${connection(record)}\n`
  )
}

function verbose(record: TraceRecord, { names, hex }: Style, prefix: string): string {
  const id = traceId(record)
  const traceIdPart = id === 0n ? '' : ` [ IP-TRACE-ID = ${id} ]`
  const interfacePart = record.ifindex === 0 ? '' : `, interface ${names.interfaceName(record.ifindex)}`
  const hasIdentity = record.srcLabel !== 0 || record.dstLabel !== 0
  const target = record.point === Point.toProxy ? 'proxy-port' : 'endpoint'
  const targetPart = record.dstId === 0 ? '' : `, to ${target} ${record.dstId}`
  const header =
    `${prefix} MARK ${hash(record.hash)}${traceIdPart} FROM ${record.source} ${observationPointName(record.point)}:` +
    ` ${record.lenOrig} bytes (${record.lenCap} captured), state ${reason(record)}${interfacePart}` +
    `${hasIdentity ? `, ${identities(record, names)}` : ''}, orig-ip ${origIp(record)}${targetPart}\n`
  return SEPARATOR + header + body(record, hex)
}

function body(record: TraceRecord, hex: boolean): string {
  if (hasNoPacket(record)) return `${tracePeers(record).text}\n`
  return record.lenCap === 0 ? '' : packetText(packetOf(record), record, hex)
}

function json(record: TraceRecord, names: Names, prefix: string): string {
  const summary = record.lenCap === 0 ? undefined : summaryOf(packetOf(record), record)
  const { l3, l4 } = hasNoPacket(record) ? tracePeers(record) : {}
  const fields = {
    cpu: prefix,
    type: 'trace',
    mark: hash(record.hash),
    ifindex: names.interfaceName(record.ifindex) || undefined,
    state: reason(record),
    observationPoint: observationPointName(record.point),
    traceSummary: traceSummary(record),
    source: record.source,
    bytes: record.lenOrig,
    srcLabel: record.srcLabel,
    dstLabel: record.dstLabel,
    dstID: record.dstId,
    IpTraceID: traceId(record),
    summary: l3 === undefined ? summary : { l3, l4 },
  }
  return `${goJson(fields)}\n`
}

function traceSummary(record: TraceRecord): string {
  const text = SUMMARIES[record.point] ?? 'unknown trace'
  if (record.point === Point.toEndpoint) return `${text} ${record.dstId}`
  if (record.point === Point.fromEndpoint) return `${text} ${record.source}`
  return record.point === Point.toProxy && record.dstId !== 0 ? `${text} port ${record.dstId}` : text
}

/** With a comma in front, even after a space, as upstream. */
function identities(record: TraceRecord, names: Names): string {
  return `, identity ${names.identity(record.srcLabel)}->${names.identity(record.dstLabel)}`
}

function reason(record: TraceRecord): string {
  return traceReasonWord(record.reason | (record.encrypted ? 0x80 : 0))
}

function origIp(record: TraceRecord): string {
  const at = record.origIpAt
  if (at < 0) return record.ipv6 ? '::' : '0.0.0.0'
  return record.ipv6 ? formatAddress(record.bytes, at) : formatIpv4(record.bytes, at)
}

/** A bigint, because a number does not hold all 64 bits. */
function traceId(record: TraceRecord): bigint {
  return record.version < 2 ? 0n : record.view.getBigUint64(record.at + TRACE.ipTraceId, true)
}

function hasNoPacket(record: TraceRecord): boolean {
  return record.hasExtension && record.packetLength === 0
}

function connection(record: TraceRecord): string {
  return hasNoPacket(record) ? tracePeers(record).text : connectionText(packetOf(record), record)
}
