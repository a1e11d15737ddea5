// SPDX-License-Identifier: Apache-2.0
/**
 * kernel-log.ts - log lines about the live source: what the kernel refused, and what happens to its attachments.
 */
import type { Attachments, ReattachReason } from '../../datapath/source/attachments.js'
import type { Feature } from '../../datapath/source/features.js'
import type { LineLog } from '../../lib/log-limit.js'

/** By step of Live; anything else is an attachment. */
const MESSAGES: Readonly<Record<string, string>> = {
  drain: 'reading the ring failed',
  flush: 'reading the kernel tables failed',
  ip_cache: 'writing names to the kernel failed',
  conntrack: 'asking conntrack failed, Services keep their own names',
}

/** `what`: the step or interface, as given to LiveListener.onError. */
export function logKernelError(log: LineLog, error: Error, what: string): void {
  log.error({ what, err: error.message }, MESSAGES[what] ?? 'attach failed')
}

export function logCovered(log: LineLog, attachments: Attachments): void {
  const { coverageSeconds, attachSeconds } = attachments
  const interfaces = attachments.list().length
  const seconds = { seconds: round(coverageSeconds), attach_seconds: round(attachSeconds) }
  log.info({ interfaces, ...seconds }, 'interfaces covered')
}

export function logReattached(log: LineLog, name: string, reason: ReattachReason): void {
  log.warn({ interface: name, reason }, 'attached again')
}

/** One line for all features in use, and one for each that is degraded or off. */
export function logFeatures(log: LineLog, features: readonly Feature[]): void {
  const names = features.filter(({ state }) => state === 'on').map(({ name }) => name)
  log.info({ features: names }, 'kernel features')
  for (const feature of features) if (feature.state !== 'on') logFeature(log, feature)
}

/** One feature that is not on, or has changed. */
export function logFeature(log: LineLog, { name, state, detail }: Feature): void {
  log[state === 'off' ? 'warn' : 'info']({ feature: name, state, detail }, 'kernel feature')
}

/** `bridges`: with the default route, and without a port that is known to lead to the gateway. */
export function logUplinks(log: LineLog, bridges: readonly string[]): void {
  if (bridges.length === 0) log.info({}, 'the uplink of each bridge is known')
  else
    log.warn({ bridges }, "the uplink of a bridge is not known, and may count as a pod's interface: set --interfaces")
}

/** `behind`: Weir has given way to another program that insists on being first, or is first again. */
export function logBehind(log: LineLog, name: string, behind: boolean): void {
  const message = behind ? 'another program runs first, its packets may be missed' : 'first again'
  log[behind ? 'warn' : 'info']({ interface: name }, message)
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000
}
