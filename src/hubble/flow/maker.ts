// SPDX-License-Identifier: Apache-2.0
/**
 * maker.ts - makes flows from records, as Hubble does.
 *
 * In:    records from a Decoder, as its sink; a Resolver; the time each record was received.
 * Out:   one onFlow() call for a flow, one onDebug() call for a debug message. The receiver owns the flow, but shares
 *        its endpoints, names and Services, which it must not change. Properties are in the order of flow.proto. Source
 *        and destination are the packet's, also for a reply.
 * Fail:  a record that Hubble makes no flow of is counted by fault. Records in = flows + debug events + faults.
 */
import { randomUUID } from 'node:crypto'
import { debugText } from '../../cilium/debug-text.js'
import type { CaptureRecord } from '../../datapath/record/capture-record.js'
import type { DebugRecord } from '../../datapath/record/debug-record.js'
import type { RecordSink } from '../../datapath/record/decode.js'
import type { DropRecord } from '../../datapath/record/drop-record.js'
import { ciliumReasonName, type KernelReasons } from '../../datapath/record/reasons.js'
import type { RecordWindow } from '../../datapath/record/record.js'
import type { SockRecord } from '../../datapath/record/sock-record.js'
import type { TraceRecord } from '../../datapath/record/trace-record.js'
import type { VerdictRecord } from '../../datapath/record/verdict-record.js'
import { EndpointResolver } from './endpoint.js'
import { debugEventName } from './enum-names.js'
import { connectionPacket, droppedPacket } from './extension-packet.js'
import { captureFacts, dropFacts, type Facts, traceFacts, verdictFacts } from './facts.js'
import type { DebugEvent, Emitter, Endpoint, Flow, Ip, Service } from './flow.js'
import { ciliumDropReason } from './kernel-drop.js'
import type { FlowPacket } from './layers/cursor.js'
import { Layers, type PacketFlags } from './layers/layers.js'
import { addNames, addServices } from './lookup.js'
import type { Resolver } from './resolver.js'
import { fillSock } from './sock.js'
import { translatedPacket } from './translated-packet.js'

type Services = Pick<Flow, 'source_service' | 'destination_service'>

export interface FlowOptions {
  readonly resolver: Resolver
  /** The time the current record was received, as flowTime() writes it. */
  readonly now: () => string
  readonly nodeName: string
  /** Weir's version, for the flow's emitter. */
  readonly version: string
  /** Names of the kernel's drop reasons in Weir's drop records. */
  readonly kernelReasons?: KernelReasons
  /** The Service with this entity id, if entity ids of records are this process's. */
  readonly serviceOf?: (entity: number) => Service | undefined
  readonly onFlow: (flow: Flow) => void
  readonly onDebug?: (event: DebugEvent) => void
  /** For tests; random otherwise. */
  readonly uuid?: () => string
}

/** packet: not decodable; cgroup: no pod here owns the socket's cgroup; debug: there is no onDebug. */
export type FlowFault = 'packet' | 'cgroup' | 'debug'

export class FlowMaker implements RecordSink {
  readonly faults: Record<FlowFault, number> = { packet: 0, cgroup: 0, debug: 0 }
  /** Flows emitted. */
  flows = 0
  /** What was wrong with the last packet that was not decodable. */
  lastError = ''
  readonly #options: FlowOptions
  readonly #resolver: Resolver
  readonly #emitter: Emitter
  readonly #endpoints: EndpointResolver
  readonly #layers = new Layers()
  readonly #uuid: () => string

  constructor(options: FlowOptions) {
    this.#options = options
    this.#resolver = options.resolver
    this.#emitter = { name: 'Weir', version: options.version }
    this.#endpoints = new EndpointResolver(options.resolver)
    this.#uuid = options.uuid ?? randomUUID
  }

  trace(record: TraceRecord): void {
    if (!record.hasExtension) {
      const packet = this.#read(record, record)
      if (packet !== undefined) this.#emit(packet, traceFacts(record))
      return
    }
    const onWire = this.#ownPacket(record, record.knowsTransport, connectionPacket)
    const isTranslated = record.packetLength > 0 && record.translated
    const shown = isTranslated ? translatedPacket(onWire, record) : onWire
    this.#emit(shown, traceFacts(record), onWire, this.#servicesOf(record))
  }

  drop(record: DropRecord): void {
    if (record.hasExtension) {
      const packet = this.#ownPacket(record, record.knowsTransport, droppedPacket)
      this.#emit(packet, this.#kernelDropFacts(record))
      return
    }
    const packet = this.#read(record, record)
    if (packet !== undefined) this.#emit(packet, dropFacts(record))
  }

  verdict(record: VerdictRecord): void {
    const packet = this.#read(record, record)
    if (packet !== undefined) this.#emit(packet, verdictFacts(record))
  }

  capture(record: CaptureRecord): void {
    const packet = this.#read(record, record)
    if (packet !== undefined) this.#emit(packet, captureFacts(record))
  }

  sock(record: SockRecord): void {
    const flow = this.#newFlow()
    if (fillSock(flow, record, this.#resolver, this.#endpoints, this.#options.nodeName)) this.#deliver(flow)
    else this.faults.cgroup++
  }

  debug(record: DebugRecord): void {
    const { onDebug } = this.#options
    if (onDebug === undefined) {
      this.faults.debug++
      return
    }
    const { subtype, hash, arg1, arg2, arg3 } = record
    const event: DebugEvent = {}
    const type = debugEventName(subtype)
    const source = this.#endpoints.byId(record.source)
    if (type !== undefined) event.type = type
    if (source !== undefined) event.source = source
    // Hubble's debug parser has no interface names.
    onDebug(Object.assign(event, { hash, arg1, arg2, arg3, message: debugText(record, () => '') }))
  }

  #read(record: RecordWindow, flags: PacketFlags): FlowPacket | undefined {
    const { view, bytes, packetAt, packetLength } = record
    if (this.#layers.read(view, bytes, packetAt, packetLength, flags)) return this.#layers
    this.faults.packet++
    this.lastError = this.#layers.error
    return undefined
  }

  /**
   * The packet of one of Weir's records: as Hubble reads it, or else as the record knows it. Hubble reads no VLAN tags and
   * few IPv6 extension headers, and refuses malformed options and lengths; the datapath has counted such packets by their
   * addresses and ports.
   */
  #ownPacket<Own extends TraceRecord | DropRecord>(
    record: Own,
    knowsTransport: boolean,
    known: (record: Own) => FlowPacket,
  ): FlowPacket {
    const { view, bytes, packetAt, packetLength } = record
    if (packetLength === 0) return known(record)
    const layers = this.#layers
    const isRead = layers.read(view, bytes, packetAt, packetLength, record)
    if (isRead && (layers.l4 !== undefined || !knowsTransport)) return layers
    return { ...known(record), ethernet: layers.ethernet }
  }

  #kernelDropFacts(record: DropRecord): Facts {
    const facts = dropFacts(record)
    const name = this.#options.kernelReasons?.name(record.kernelReason) ?? String(record.kernelReason)
    const dropReason = ciliumDropReason(name)
    return { ...facts, subtype: dropReason, dropReason, file: { name } }
  }

  /** The Service that the initiator addressed, at the side of the packet that stands for it. */
  #servicesOf(record: TraceRecord): Services | undefined {
    const service = record.serviceEntity === 0 ? undefined : this.#options.serviceOf?.(record.serviceEntity)
    if (service === undefined) return undefined
    return record.direction === record.initiator ? { destination_service: service } : { source_service: service }
  }

  /** `onWire`: the packet before translation, whose addresses may be a Service's. `services`: known without them. */
  #emit(packet: FlowPacket, facts: Facts, onWire = packet, services?: Services): void {
    const ip = packet.ip && addressesOf(packet.ip, facts)
    const from = ip?.source ?? ''
    const to = ip?.destination ?? ''
    const source = this.#endpoints.resolve(from, facts.srcIdentity)
    const destination = this.#endpoints.resolve(to, facts.dstIdentity)
    const flow = this.#newFlow()
    if (facts.verdict !== undefined) flow.verdict = facts.verdict
    if (facts.dropReason) flow.drop_reason = facts.dropReason
    if (facts.authType !== undefined) flow.auth_type = facts.authType
    if (packet.ethernet !== undefined) flow.ethernet = packet.ethernet
    if (ip !== undefined) flow.IP = ip
    if (packet.l4 !== undefined) flow.l4 = packet.l4
    if (packet.tunnel !== undefined) flow.tunnel = packet.tunnel
    flow.source = source
    flow.destination = destination
    flow.Type = 'L3_L4'
    if (this.#options.nodeName !== '') flow.node_name = this.#options.nodeName
    addNames(flow, this.#resolver, from, to)
    if (facts.isReply) flow.reply = true
    flow.event_type = facts.subtype === 0 ? { type: facts.type } : { type: facts.type, sub_type: facts.subtype }
    if (services !== undefined) Object.assign(flow, services)
    else if (packet === onWire) addServices(flow, this.#resolver, from, packet.srcPort, to, packet.dstPort)
    else {
      const { source = '', destination = '' } = onWire.ip ?? {}
      addServices(flow, this.#resolver, source, onWire.srcPort, destination, onWire.dstPort)
    }
    this.#finish(flow, facts, source, packet.summary)
  }

  /** Fills the fields that follow the Services in flow.proto, and emits the flow. */
  #finish(flow: Flow, facts: Facts, source: Endpoint, summary: string): void {
    const direction = facts.direction?.(source.ID ?? 0)
    if (direction !== undefined) flow.traffic_direction = direction
    if (facts.matchType) flow.policy_match_type = facts.matchType
    if (facts.point !== undefined) flow.trace_observation_point = facts.point
    if (facts.reason !== undefined) flow.trace_reason = facts.reason
    if (facts.file !== undefined) flow.file = facts.file
    if (facts.traceId !== undefined) flow.ip_trace_id = { trace_id: facts.traceId }
    if (facts.dropReason) flow.drop_reason_desc = ciliumReasonName(facts.dropReason) ?? facts.dropReason
    if (facts.isReply !== undefined) flow.is_reply = facts.isReply
    if (facts.capturePoint !== undefined) flow.debug_capture_point = facts.capturePoint
    if (facts.ifindex) flow.interface = this.#interface(facts.ifindex)
    if (facts.proxyPort) flow.proxy_port = facts.proxyPort
    if (summary !== '') flow.Summary = summary
    this.#deliver(flow)
  }

  #deliver(flow: Flow): void {
    this.flows++
    this.#options.onFlow(flow)
  }

  #newFlow(): Flow {
    return { time: this.#options.now(), uuid: this.#uuid(), emitter: this.#emitter }
  }

  #interface(index: number): { index: number; name?: string } {
    const name = this.#resolver.linkName(index)
    return name === '' ? { index } : { index, name }
  }
}

/** The source is the address before NAT; the packet's source goes to `source_xlated`. */
function addressesOf(ip: Ip, facts: Facts): Ip {
  const { originalIp = '', encrypted = false } = facts
  const translated = originalIp !== '' && originalIp !== ip.source
  const shown: Ip = translated ? { source: originalIp, source_xlated: ip.source!, ...withoutSource(ip) } : ip
  if (encrypted) shown.encrypted = true
  return shown
}

function withoutSource({ source: _, ...rest }: Ip): Ip {
  return rest
}
