// SPDX-License-Identifier: Apache-2.0
/**
 * self.ts - Weir's own metrics: records read, losses by place, table sizes.
 *
 * In:    the counts of the source and the decoder, read before each page.
 * Out:   values set in the store. Counters are exposed as 0 from the start, so that rate() sees the first event.
 */
import { arch, release } from 'node:os'
import type { Entities } from '../../datapath/identity/entities.js'
import { Hook } from '../../datapath/record/abi.js'
import type { Decoder, Fault, Kind } from '../../datapath/record/decode.js'
import type { Attachments } from '../../datapath/source/attachments.js'
import type { BypassCheck } from '../../datapath/source/bypass-check.js'
import type { Feature } from '../../datapath/source/features.js'
import type { Live } from '../../datapath/source/live.js'
import type { PodDevices } from '../../datapath/source/pod-devices.js'
import { M } from '../catalog/catalog.js'
import type { Metric } from '../catalog/metric.js'
import type { SeriesStore } from '../series/series.js'
import type { Reducer } from './reduce.js'

const HOOKS = ['from_pod', 'to_pod', 'uplink_out', 'uplink_in'] as const
const IGNORED = {
  arp: 'ignored_arp',
  too_short: 'ignored_too_short',
  malformed: 'ignored_malformed',
  other_ethertype: 'ignored_other',
  pod_interface: 'ignored_at_parent',
} as const
const STEPS = ['drain', 'flush', 'drops', 'ip_cache', 'conntrack'] as const

export class SelfMetrics {
  readonly #store: SeriesStore

  constructor(store: SeriesStore, version: string, revision: string) {
    this.#store = store
    this.#set(M.buildInfo, [version, revision, process.version, arch(), release()], 1)
  }

  /**
   * Metrics of every source. Each record read counts in exactly one series of weir_records_total and
   * weir_decode_faults_total.
   */
  records(decoder: Decoder, reducer: Reducer, entities: Entities): void {
    const unread: Partial<Record<Kind, number>> = reducer.unreadOf
    for (const [kind, n] of Object.entries(decoder.counts) as [Kind, number][]) {
      const lost = unread[kind]
      this.#set(M.records, [RECORD_TYPES[kind], lost === undefined ? 'ignored' : 'counted'], n - (lost ?? 0))
    }
    // An unknown extension hides the packet, so the reducer cannot read the record either: it counts as a decode fault.
    this.#set(M.records, ['any', 'unread'], reducer.unread - decoder.extensionsUnknown)
    for (const [reason, n] of Object.entries(decoder.faults) as [Fault, number][])
      this.#set(M.decodeFaults, [reason], n)
    this.#set(M.decodeFaults, ['extension'], decoder.extensionsUnknown)
    this.#set(M.entityMisses, [], entities.misses)
    this.#set(M.entityIdsReused, [], entities.reused)
    this.#set(M.entityIdsStale, [], entities.gone)
    this.#set(M.entityIdsRefused, [], entities.refused)
    for (const [kind, n] of Object.entries(entities.kinds)) this.#set(M.entities, [kind], n)
  }

  /** Deleted pods that keep their series. */
  deletionsRefused(pods: number): void {
    this.#set(M.entityDeletionsRefused, [], pods)
  }

  /** Metrics of the live datapath. */
  live(live: Live): void {
    const { totals } = live.counters
    for (const hook of HOOKS) {
      this.#set(M.packetsSeen, [hook], totals[`seen_${hook}`].packets)
      this.#set(M.bytesSeen, [hook], totals[`seen_${hook}`].bytes)
    }
    for (const [reason, counter] of Object.entries(IGNORED)) {
      this.#set(M.packetsIgnored, [reason], totals[counter].packets)
      this.#set(M.bytesIgnored, [reason], totals[counter].bytes)
    }
    this.#set(M.packetsIgnored, ['unmanaged'], live.unmanaged?.packets ?? 0)
    this.#set(M.bytesIgnored, ['unmanaged'], live.unmanaged?.bytes ?? 0)
    this.#features(live.features)
    this.#set(M.notificationLosses, [], live.notificationLosses)
    this.#names(M.bridgeUplinkUnknown, new Set(live.unknownUplinks()))
    this.#set(M.ringFull, [], totals.ring_full.packets)
    this.#set(M.ringLost, [], live.ringLost())
    this.#set(M.connectionTableEntries, [], live.connectionsUsed)
    this.#set(M.connectionTableLimit, [], live.connectionsLimit)
    this.#set(M.connectionTableFull, [], totals.connections_full.packets)
    this.#set(M.counterOverflows, [], totals.overflows.packets)
    this.#set(
      M.unnamedPackets,
      [],
      HOOKS.reduce((sum, hook) => sum + totals[`unnamed_${hook}`].packets, 0),
    )
    this.#set(M.observationsLost, [], totals.observations_lost.packets)
    this.#set(M.fragmentsUnknown, [], totals.fragment_unknown.packets)
    this.#set(M.dropsSeen, [], totals.drops_seen.packets)
    this.#set(M.dropsIgnored, ['not_ip'], totals.drops_ignored.packets)
    this.#set(M.dropsIgnored, ['delivered'], totals.drops_delivered.packets)
    this.#set(M.dropsIgnored, ['other_namespace'], totals.drops_elsewhere.packets)
    this.#set(M.ipCacheEntries, [], live.ipCache.used)
    this.#set(M.ipCacheLimit, [], live.ipCache.limit)
    this.#set(M.ipCacheMissing, [], live.ipCache.refused)
    this.#set(M.connectionsDeferred, [], live.connectionsDeferred)
    this.#set(M.connectionsRenamed, [], totals.connections_renamed.packets)
    this.#set(M.serviceUnresolved, [], totals.service_unresolved.packets)
    this.#set(M.dropTableFull, [], totals.drops_full.packets)
    this.#set(M.dropTableCoarse, [], totals.drops_coarse.packets)
    this.#set(M.dropTableEntries, [], live.dropsUsed)
    this.#set(M.dropTableLimit, [], live.dropsLimit)
    const { local, covered } = live.pods.coverage()
    this.#set(M.podsLocal, [], local)
    this.#set(M.podsCovered, [], covered)
    this.#attachments(live.interfaces.attachments, live.podDevices)
    this.#set(M.podEndsWatched, [], live.interfaces.podEnds?.count ?? 0)
    this.#set(M.podEndsMissing, [], live.interfaces.podEnds?.missing ?? 0)
    for (const step of STEPS) this.#set(M.stageUp, [step], live.up(step) ? 1 : 0)
    this.#set(M.stageSeconds, ['drain'], live.seconds.drain)
    this.#set(M.stageSeconds, ['flush'], live.seconds.flush)
    for (const { name, recursionMisses } of live.programs()) this.#set(M.bpfRecursionMisses, [name], recursionMisses)
  }

  /** Directions of interfaces whose packets are not seen. */
  bypass(check: BypassCheck): void {
    const family = this.#store.family(M.interfaceBypassed)
    const list = check.list()
    const isListed = (labels: Readonly<Record<string, string>>) =>
      list.some(each => each.interface === labels.interface && each.direction === labels.direction)
    if (family.size > 0) this.#store.removeWhere([family], () => labels => !isListed(labels))
    for (const each of list) this.#set(M.interfaceBypassed, [each.interface, each.direction], each.bypassed ? 1 : 0)
    for (const [direction, n] of Object.entries(check.proofs)) this.#set(M.bypassedConnections, [direction], n)
  }

  #attachments(attachments: Attachments, devices: PodDevices | undefined): void {
    this.#set(M.interfacesWatched, ['pod'], attachments.count(Hook.pod) + (devices?.count ?? 0))
    this.#set(M.interfacesWatched, ['uplink'], attachments.count(Hook.uplink))
    this.#set(M.interfacesPending, [], attachments.pending().length + (devices?.pending ?? 0))
    this.#set(M.interfaceCoverage, [], attachments.coverageSeconds)
    this.#set(M.interfaceAttachSeconds, [], attachments.attachSeconds)
    this.#set(M.interfaceErrors, [], attachments.errors + (devices?.errors ?? 0))
    for (const [reason, n] of Object.entries(attachments.reattached)) {
      const own = reason === 'detached' ? (devices?.reattached ?? 0) : 0
      this.#set(M.interfaceReattached, [reason], n + own)
    }
    this.#names(
      M.interfaceBehind,
      new Set(attachments.list().flatMap(({ name, isBehind }) => (isBehind ? [name] : []))),
    )
  }

  /** A feature may get another state. */
  #features(features: readonly Feature[]): void {
    const family = this.#store.family(M.feature)
    this.#store.removeWhere(
      [family],
      () => labels => features.some(({ name, state }) => name === labels.feature && state !== labels.state),
    )
    for (const { name, state } of features) this.#set(M.feature, [name, state], 1)
  }

  /** A series of 1 for each interface, and no other. */
  #names(metric: Metric, interfaces: ReadonlySet<string>): void {
    const family = this.#store.family(metric)
    this.#store.removeWhere([family], () => labels => !interfaces.has(labels.interface ?? ''))
    for (const name of interfaces) this.#set(metric, [name], 1)
  }

  #set(metric: Metric, labels: readonly string[], value: number): void {
    this.#store.set(this.#store.family(metric).series(labels), value)
  }
}

/** Type names as in Cilium's monitor (cilium/cilium pkg/monitor/api/types.go). */
const RECORD_TYPES: Readonly<Record<Kind, string>> = {
  trace: 'trace',
  drop: 'drop',
  policyVerdict: 'policy-verdict',
  debug: 'debug',
  capture: 'capture',
  traceSock: 'trace-sock',
}
