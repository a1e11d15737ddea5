/**
 * throughput.ts - percent of a TCP stream between two pods that is lost when Weir watches both.
 *
 * In:    root, iperf3; a lab of its own, `weir run` as built in a process of its own.
 * Out:   from the medians of alternating runs; below 0 when the noise is larger than the loss.
 * Never: leaves the lab or Weir behind, whatever fails.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Lab } from '../src/lab/lab.js'
import type { Pod } from '../src/lab/pod.js'
import { must } from '../src/lab/process.js'
import { bulk } from '../src/lab/traffic.js'
import { startWeir } from '../test/weir-process.js'
import { needRoot } from './datapath.js'
import { median } from './median.js'

export const name = 'throughput'
export const unit = 'percent'
export const limit = 5
export const peer = "NetObserv 5-11 percent at 4.7-11.75 million packets a second, on its authors' machine"
export const notes: string[] = []

const PAIRS = 6
const SECONDS = 2

/** Bits a second, run by run. */
interface Runs {
  readonly without: number[]
  readonly watched: number[]
}

export async function run(): Promise<number> {
  needRoot('it makes network namespaces and loads BPF programs')
  await Lab.cleanupStale()
  const directory = mkdtempSync(join(tmpdir(), 'weir-bench-'))
  const lab = await Lab.create([
    { name: 'client', namespace: 'bench', workload: 'client' },
    { name: 'server', namespace: 'bench', workload: 'server' },
  ])
  try {
    const world = join(directory, 'world.json')
    await lab.writeWorld(world)
    const args = ['--netns', lab.node.path, '--world', world]
    await stream(lab) // what the first run pays for routes and sockets is nobody's loss
    notes.length = 0
    const value = told(await compare(lab, args, PAIRS), 'segments of up to 64 KiB')
    for (const pod of lab.pods) await oneSegmentAPacket(pod)
    told(await compare(lab, args, PAIRS / 2), 'a packet each segment')
    return value
  } finally {
    await lab.destroy()
    rmSync(directory, { recursive: true })
  }
}

function told({ without, watched }: Runs, what: string): number {
  const [free, seen] = [median(without), median(watched)]
  const lost = 100 * (1 - seen / free)
  notes.push(`${what}: ${gigabits(free)} without, ${gigabits(seen)} with Weir: ${lost.toFixed(1)} percent`)
  return lost
}

function gigabits(bitsPerSecond: number): string {
  return `${(bitsPerSecond / 1e9).toFixed(1)} Gbit/s`
}

/** Which of the two goes first alternates, so that a drift of the machine hits both. */
async function compare(lab: Lab, args: readonly string[], pairs: number): Promise<Runs> {
  const runs: Runs = { without: [], watched: [] }
  for (let pair = 0; pair < pairs; pair++) {
    if (pair % 2 === 0) runs.without.push(await stream(lab))
    runs.watched.push(await watchedStream(lab, args))
    if (pair % 2 === 1) runs.without.push(await stream(lab))
  }
  return runs
}

async function watchedStream(lab: Lab, args: readonly string[]): Promise<number> {
  const weir = await startWeir(args)
  try {
    const rate = await stream(lab)
    const bytes = (await weir.metrics()).sum('weir_flow_bytes_total', { source_namespace: 'bench', reporter: 'source' })
    if (bytes * 8 < rate * SECONDS * 0.9)
      throw new Error(`Weir saw ${bytes} bytes of a stream of ${(rate * SECONDS) / 8}`)
    return rate
  } finally {
    await weir.stop()
  }
}

async function stream(lab: Lab): Promise<number> {
  const [client, server] = [lab.pod('client'), lab.pod('server')]
  const { bitsPerSecond } = await bulk(client, server, server.ipv4, { seconds: SECONDS })
  return bitsPerSecond
}

/** As a NIC without segmentation offload would have it: the worst that a stream can do to a program a packet. */
async function oneSegmentAPacket(pod: Pod): Promise<void> {
  await must(['ip', '-n', pod.netns, 'link', 'set', 'dev', 'eth0', 'gso_max_segs', '1'])
}
