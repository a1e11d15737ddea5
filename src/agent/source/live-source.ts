// SPDX-License-Identifier: Apache-2.0
/**
 * live-source.ts - feeds an exporter with the records of this machine's kernel.
 *
 * Fail:  an error of the system at the start is thrown; later ones are logged and make notReady() return them.
 */

import type { OnBypass } from '../../config/settings/source.js'
import { Hook } from '../../datapath/record/abi.js'
import type { Attachment } from '../../datapath/source/attachment.js'
import type { Attachments } from '../../datapath/source/attachments.js'
import type { Interfaces } from '../../datapath/source/interfaces.js'
import { Live, type LiveOptions } from '../../datapath/source/live.js'
import { loadNative } from '../../datapath/source/native.js'
import { type Counts, Rates } from '../../exporter/http/rates.js'
import type { LineLog } from '../../lib/log-limit.js'
import type { Exporter } from '../exporter.js'
import type { FlowApi } from '../flow-api.js'
import { teeSink } from '../tee-sink.js'
import { BypassWatch } from './bypass-watch.js'
import { CoverageWatch } from './coverage-watch.js'
import { explainKernel } from './kernel-errors.js'
import {
  logBehind,
  logCovered,
  logFeature,
  logFeatures,
  logKernelError,
  logReattached,
  logUplinks,
} from './kernel-log.js'
import { type RunningSource, recordsOf } from './running-source.js'

export interface LiveSourceOptions extends LiveOptions {
  readonly onBypass: OnBypass
}

/** With up to this many interfaces, a source that is ready has tried to attach to all of them: that takes 1.3 s. */
const FEW = 30
/** Seconds from the process's start after which a source with more is ready: a node with 200 should not wait for 9 s. */
const READY_SECONDS = 1.8
/** Seconds from the source's start after which a source is ready in any case. */
const LIMIT_SECONDS = 10
/** Why pods without an interface of the node may be uncovered. */
const NEEDS_POD_END = 'macvlan, ipvlan and SR-IOV need --pod-end and CAP_SYS_ADMIN'
/** Names on a status line. */
const SHOWN = 10

export function startLive(
  { entities, resolver, sink }: Exporter,
  options: LiveSourceOptions,
  api: FlowApi | undefined,
  log: LineLog,
): RunningSource {
  const bypass = new BypassWatch(
    ifindex => watchedIn(live, ifindex),
    options.onBypass,
    log,
    () => live.interfaces.podEnds?.widen() ?? false,
  )
  const live: Live = explainKernel(
    () =>
      new Live(loadNative(), entities, options, teeSink(sink, bypass.check), {
        onError: (error, what) => logKernelError(log, error, what),
        onNames(changes) {
          entities.apply(changes)
          resolver.apply(changes)
        },
        onUnknownUplinks: bridges => logUplinks(log, bridges),
        onFeature: feature => logFeature(log, feature),
        onFlushed: startedMs => bypass.check.flushed(startedMs),
        onReattached: (name, reason) => logReattached(log, name, reason),
        onBehind: (name, behind) => logBehind(log, name, behind),
        onCovered: () => logCovered(log, live.interfaces.attachments),
        ...(api && { onFrames: (frames, length) => api.frames(frames, length, live.ringLost()) }),
      }),
  )
  resolver.followLinks(ifindex => live.interfaces.nameOf(ifindex))
  logFeatures(log, live.features)
  const { attachments } = live.interfaces
  const names = attachments.list().map(({ name }) => name)
  log.info({ interfaces: names.length, first: names.sort().slice(0, 5) }, 'watching interfaces')
  const { podDevices } = live
  const remedy = () => (podDevices === undefined ? NEEDS_POD_END : podDevices.refused)
  const coverage = new CoverageWatch(live.pods, remedy, log)
  const rates = new Rates(() => ({ ...trafficOf(live), Records: recordsOf(live.decoder) }))
  return {
    decoder: live.decoder,
    live,
    bypass: bypass.check,
    rates,
    notReady: () => live.trouble ?? startOf(live) ?? bypass.notReady,
    status: () => [
      ['source', 'live'],
      ['state', live.trouble ?? 'ok'],
      ['pods with an interface', coverage.status],
      ['pod interfaces', String(attachments.count(Hook.pod))],
      ['uplinks', String(attachments.count(Hook.uplink))],
      ...uplinksOf(live),
      ...attachmentsOf(attachments),
      ["pods' sides", podEndsOf(live.interfaces)],
      ["pods' own interfaces", podDevicesOf(live)],
      ['bypassed interfaces', bypass.status],
      ['connections', `${live.connectionsUsed} of ${live.connectionsLimit}`],
      ['kinds of drop', dropTableOf(live)],
      ['ring', live.ring.kind],
      ['records lost', String(live.ringLost())],
    ],
    close() {
      rates.stop()
      bypass.stop()
      coverage.stop()
      live.close()
    },
  }
}

/** With what the table did not count in full. */
function dropTableOf({ dropsUsed, dropsLimit, counters: { totals } }: Live): string {
  const coarse = totals.drops_coarse.packets
  const nameless = totals.drops_full.packets
  const parts = [`${dropsUsed} of ${dropsLimit}`]
  if (coarse > 0) parts.push(`${coarse} packets without port or destination: a source used up its share`)
  if (nameless > 0) parts.push(`${nameless} packets by reason only: table full`)
  return parts.join('; ')
}

/** With the time since which everything that can be attached is. */
function watchedIn({ interfaces: { attachments, podEnds }, podDevices }: Live, ifindex: number) {
  const attachment = attachments.attached(ifindex)
  if (attachment === undefined) return podDevices?.attached(ifindex)
  return { name: attachment.name, attachedMs: Math.max(attachment.attachedMs, podEnds?.attachedMs(ifindex) ?? 0) }
}

/** Why a start is not over: attempts to attach, for as long as they may delay readiness. */
function startOf({ interfaces: { attachments, podEnds }, podDevices }: Live): string | undefined {
  const isLate = attachments.list().length > FEW ? process.uptime() > READY_SECONDS : attachments.age > LIMIT_SECONDS
  if (isLate) return undefined
  if (attachments.isStarting) return `attaching to ${attachments.pending().length} interfaces`
  if (podEnds?.isStarting) return `attaching to the pods' side of ${podEnds.missing} interfaces`
  return podDevices?.isStarting ? "attaching to the pods' own interfaces" : undefined
}

function podEndsOf({ podEnds }: Interfaces): string {
  if (podEnds === undefined) return 'not watched'
  return podEnds.refused ?? `${podEnds.count} of ${podEnds.count + podEnds.missing}`
}

/** Interfaces of pods that are in no pair with one of the node: the pods, with name and kind of the interface. */
function podDevicesOf({ pods, podDevices }: Live): string {
  if (podDevices === undefined) return `not watched: ${NEEDS_POD_END}`
  if (podDevices.refused !== undefined) return podDevices.refused
  const names = podDevices.list().map(({ number, name, kind, attachedMs }) => {
    const state = attachedMs === undefined ? ', pending' : ''
    return `${pods.podBehind(number) || 'unmanaged'} (${name}, ${kind}${state})`
  })
  if (names.length === 0) return '0'
  const rest = names.length > SHOWN ? ', ...' : ''
  return `${podDevices.count} of ${names.length}: ${names.sort().slice(0, SHOWN).join(', ')}${rest}`
}

function uplinksOf(live: Live): readonly (readonly [string, string])[] {
  const bridges = live.unknownUplinks()
  return bridges.length === 0 ? [] : [['bridges with an unknown uplink', bridges.join(', ')]]
}

/** Lines only for what is amiss. */
function attachmentsOf(attachments: Attachments): readonly (readonly [string, string])[] {
  const lines = [
    ['interfaces pending', attachments.pending()],
    ['interfaces behind another program', attachments.list().filter(({ isBehind }) => isBehind)],
  ] as const
  return lines.flatMap(([title, list]) => (list.length > 0 ? [[title, namesOf(list)] as const] : []))
}

/** `3: a, b, c` */
function namesOf(list: readonly Attachment[]): string {
  const names = list.map(({ name }) => name).sort()
  const rest = names.length > SHOWN ? ', ...' : ''
  return `${names.length}: ${names.slice(0, SHOWN).join(', ')}${rest}`
}

/** As of the last flush of the kernel tables. */
function trafficOf({ counters: { totals } }: Live): Counts {
  const hooks = [totals.seen_from_pod, totals.seen_to_pod, totals.seen_uplink_out, totals.seen_uplink_in]
  const sum = (unit: 'packets' | 'bytes') => hooks.reduce((total, hook) => total + hook[unit], 0)
  return { Packets: sum('packets'), Bytes: sum('bytes'), Drops: totals.drops_seen.packets }
}
