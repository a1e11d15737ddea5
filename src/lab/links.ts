/**
 * links.ts - what the kernel says of the node's links: numbers and counters.
 *
 * In:    `ip -s -j link` in the node's namespace.
 * Out:   a row for each link, by name.
 * Fail:  an Error with the words of `ip`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { must } from './process.js'

export interface Counters {
  readonly packets: number
  readonly bytes: number
  readonly dropped: number
}

/** Of the host side: rx is what came from the pod, tx what went to it. */
export interface LinkCounters {
  readonly rx: Counters
  readonly tx: Counters
}

export interface LinkState extends LinkCounters {
  readonly ifindex: number
  /** The index of the other end, in the other end's namespace. */
  readonly peerIfindex?: number
}

interface IpLink {
  readonly ifindex: number
  readonly link_index?: number
  readonly ifname: string
  readonly stats64: LinkCounters
}

/** All links of a namespace, or the one named. One process, whatever their number. */
export async function readLinks(netns: string, link?: string): Promise<Map<string, LinkState>> {
  const which = link === undefined ? [] : ['show', 'dev', link]
  const rows = JSON.parse(await must(['ip', '-n', netns, '-s', '-j', 'link', ...which])) as IpLink[]
  return new Map(rows.map(row => [row.ifname, linkState(row)]))
}

/** A new link's multicast reports come within some milliseconds (wiring.ts); five readings without a change are the end of them. */
const QUIET_READINGS = 5
const READING_INTERVAL_MS = 10
const QUIET_DEADLINE_MS = 5_000

/** Wait until these links, of a namespace, carry nothing. Rejects when they still do after 5 s. */
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
