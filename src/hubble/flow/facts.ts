// SPDX-License-Identifier: Apache-2.0
/**
 * facts.ts - the fields of a flow that come from the record's header, not from the packet or from names.
 *
 * In:    a trace, drop, verdict or capture record, while its window is valid.
 * Out:   Facts: plain values that outlive the window. The rules are those of cilium/cilium
 *        pkg/hubble/parser/threefour/parser.go, 1.19.
 */

import { sourceFile } from '../../cilium/source-file.js'
import { DROP, TRACE } from '../../datapath/record/abi.js'
import type { CaptureRecord } from '../../datapath/record/capture-record.js'
import type { DropRecord } from '../../datapath/record/drop-record.js'
import { Point } from '../../datapath/record/observation-point.js'
import type { RecordWindow } from '../../datapath/record/record.js'
import type { TraceRecord } from '../../datapath/record/trace-record.js'
import type { VerdictRecord } from '../../datapath/record/verdict-record.js'
import { formatAddress, formatIpv4, isMapped } from '../../lib/address.js'
import { authName, capturePointName, pointName, reasonName } from './enum-names.js'
import type { AuthType, Direction, Named, ObservationPoint, TraceReason, Verdict } from './flow.js'

/** Trace reasons, without the encrypted bit. */
const REPLY = 2
const UNKNOWN_REASON = 5
const SRV6 = [6, 7]
/** Capture points with an interface index as argument, and those with a proxy port. */
const AT_INTERFACE = [4, 5, 6, 7, 10, 11]
const AT_PROXY = [8, 9]

export interface Facts {
  readonly type: number
  readonly subtype: number
  /** Identities in the record, 0 for none. */
  readonly srcIdentity: number
  readonly dstIdentity: number
  readonly verdict?: Verdict
  /** Cilium's code, 0 for none. */
  readonly dropReason?: number
  readonly authType?: AuthType | undefined
  readonly file?: { name: string; line?: number }
  readonly isReply?: boolean | undefined
  /** `sourceId`: the source's endpoint id, 0 if it is not a local endpoint. */
  readonly direction?: (sourceId: number) => Direction | undefined
  readonly matchType?: number
  readonly point?: ObservationPoint
  readonly reason?: TraceReason | undefined
  /** u64, decimal. */
  readonly traceId?: string | undefined
  readonly capturePoint?: Named<string> | undefined
  readonly ifindex?: number
  readonly proxyPort?: number
  readonly encrypted?: boolean
  /** The source before NAT; '' when the record has none. */
  readonly originalIp?: string
}

export function traceFacts(record: TraceRecord): Facts {
  const { reason, point } = record
  const originalIp = originalAddress(record)
  return {
    type: record.type,
    subtype: point,
    srcIdentity: record.srcLabel,
    dstIdentity: record.dstLabel,
    verdict: 'FORWARDED',
    isReply: reason === UNKNOWN_REASON || SRV6.includes(reason) ? undefined : reason === REPLY,
    direction: traceDirection(record.source, reason, originalIp !== ''),
    point: pointName(point),
    reason: reasonName(reason),
    traceId: record.version < 2 ? undefined : decimal(record, TRACE.ipTraceId),
    ifindex: record.ifindex,
    proxyPort: point === Point.toProxy ? record.dstId : 0,
    encrypted: record.encrypted,
    originalIp,
  }
}

/** Egress if the emitter sends a request or receives a reply; a source that was translated is always egress. */
function traceDirection(emitter: number, reason: number, translated: boolean): NonNullable<Facts['direction']> {
  return sourceId => {
    if (emitter === 0 || reason === UNKNOWN_REASON) return undefined
    const fromEmitter = emitter === sourceId
    return fromEmitter !== (reason === REPLY) || translated ? 'EGRESS' : 'INGRESS'
  }
}

/** The source address before NAT; '' if the record has none or it is all zeros. */
function originalAddress(record: TraceRecord): string {
  const at = record.at + TRACE.origIp
  if (record.version < 1) return ''
  if (!record.ipv6) return record.view.getUint32(at) === 0 ? '' : formatIpv4(record.bytes, at)
  const zero = record.origIpAt < 0 || (isMapped(record.bytes, at) && record.view.getUint32(at + 12) === 0)
  return zero ? '' : formatAddress(record.bytes, at)
}

export function dropFacts(record: DropRecord): Facts {
  const { line, source } = record
  const name = sourceFile(record.file)
  return {
    type: record.type,
    subtype: record.reason,
    srcIdentity: record.srcLabel,
    dstIdentity: record.dstLabel,
    verdict: 'DROPPED',
    dropReason: record.reason,
    file: line === 0 ? { name } : { name, line },
    direction: sourceId => (source === 0 ? undefined : source === sourceId ? 'EGRESS' : 'INGRESS'),
    traceId: record.version < 3 ? undefined : decimal(record, DROP.ipTraceId),
  }
}

export function verdictFacts(record: VerdictRecord): Facts {
  const { verdict, ingress } = record
  return {
    type: record.type,
    subtype: record.subtype,
    srcIdentity: ingress ? record.remoteLabel : 0,
    dstIdentity: ingress ? 0 : record.remoteLabel,
    verdict: verdict < 0 ? 'DROPPED' : verdict > 0 ? 'REDIRECTED' : record.audited ? 'AUDIT' : 'FORWARDED',
    dropReason: verdict < 0 ? -verdict : 0,
    authType: authName(record.authType),
    // Cilium reports an allowed verdict for a connection's first packet, which is never a reply.
    isReply: verdict < 0 ? undefined : false,
    direction: () => (ingress ? 'INGRESS' : 'EGRESS'),
    matchType: record.matchType,
  }
}

export function captureFacts(record: CaptureRecord): Facts {
  const { type, subtype, arg1 } = record
  return {
    type,
    subtype,
    srcIdentity: 0,
    dstIdentity: 0,
    capturePoint: capturePointName(subtype),
    ifindex: AT_INTERFACE.includes(subtype) ? arg1 : 0,
    // The port is in the low two bytes, but Hubble swaps all four.
    proxyPort: AT_PROXY.includes(subtype) ? record.view.getUint32(record.at + 16) : 0,
  }
}

/** Undefined for 0. */
function decimal(record: RecordWindow, offset: number): string | undefined {
  const value = record.view.getBigUint64(record.at + offset, true)
  return value === 0n ? undefined : value.toString()
}
