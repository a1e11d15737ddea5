// SPDX-License-Identifier: Apache-2.0
/**
 * links.ts - interface indexes and counters of the node's links.
 *
 * In:    `ip -s -j link` in the node's namespace.
 * Out:   the state of each link, by name.
 * Fail:  an Error with the message of `ip`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { must } from './process.js'

export interface Counters {
  readonly packets: number
  readonly bytes: number
  readonly dropped: number
}

/** Counters of the host side: rx from the pod, tx to the pod. */
export interface LinkCounters {
  readonly rx: Counters
  readonly tx: Counters
}

export interface LinkState extends LinkCounters {
  readonly ifindex: number
  /** Interface index of the peer, in the peer's namespace. */
  readonly peerIfindex?: number
}

interface IpLink {
  readonly ifindex: number
  readonly link_index?: number
  readonly ifname: string
  readonly stats64: LinkCounters
}

/** All links of a namespace, or one of them. Runs one process, whatever their number. */
export async function readLinks(netns: string, link?: string): Promise<Map<string, LinkState>> {
  const which = link === undefined ? [] : ['show', 'dev', link]
  const rows = JSON.parse(await must(['ip', '-n', netns, '-s', '-j', 'link', ...which])) as IpLink[]
  return new Map(rows.map(row => [row.ifname, linkState(row)]))
}

/** A new link sends its multicast reports within some milliseconds (wiring.ts); they are over after five equal readings. */
const QUIET_READINGS = 5
const READING_INTERVAL_MS = 10
const QUIET_DEADLINE_MS = 5_000

/** Waits until these links of a namespace carry no traffic. Rejects if they still do after 5 s. */
export async function quiet(netns: string, links: readonly string[]): Promise<void> {
  const deadline = Date.now() + QUIET_DEADLINE_MS
  let before = ''
  for (let same = 0; same < QUIET_READINGS; await sleep(READING_INTERVAL_MS)) {
    if (Date.now() > deadline) throw new Error(`${netns}: new links are not quiet after ${QUIET_DEADLINE_MS} ms`)
    const rows = await readLinks(netns)
    const now = JSON.stringify(links.map(link => rows.get(link)))
    same = now === before ? same + 1 : 0
    before = now
  }
}

function linkState({ ifindex, link_index, stats64 }: IpLink): LinkState {
  const peer = link_index === undefined ? {} : { peerIfindex: link_index }
  return { ifindex, ...peer, rx: counters(stats64.rx), tx: counters(stats64.tx) }
}

function counters({ packets, bytes, dropped }: Counters): Counters {
  return { packets, bytes, dropped }
}
