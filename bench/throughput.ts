/**
 * throughput.ts - percent of TCP throughput between two pods that is lost when Weir watches both.
 *
 * In:    root, iperf3; a lab of its own, and the built `weir run` in a process of its own.
 * Out:   the median over blocks of alternating runs; below 0 if the noise is larger than the loss.
 * Never: leaves the lab or Weir behind, even on failure.
 */
import { join } from 'node:path'
import { Lab } from '../src/lab/lab.js'
import { bulk } from '../src/lab/traffic.js'
import { startWeir } from '../test/support/weir-process.js'
import { needRoot } from './datapath.js'
import { median } from './median.js'
import { scratchDirectory } from './scratch.js'

export const name = 'throughput'
export const unit = 'percent'
export const limit = 5
export const peer = "NetObserv 5-11 percent at 4.7-11.75 million packets a second, on its authors' machine"
export const notes: string[] = []

const BLOCKS = 8
const SECONDS = 1
const BITS = 8
const KIB = 1024
const NS_PER_SECOND = 1e9

/** Two runs each, in the order without, watched, watched, without, so that drift of the machine affects both equally. */
interface Block {
  readonly without: Stream
  readonly watched: Stream
}

interface Stream {
  readonly bitsPerSecond: number
  /** CPU nanoseconds per KiB of both iperf3 processes together: least affected by other load on the machine. */
  readonly cost: number
}

export async function run(): Promise<number> {
  needRoot('it makes network namespaces and loads BPF programs')
  await Lab.cleanupStale()
  const lab = await Lab.create([
    { name: 'client', namespace: 'bench', workload: 'client' },
    { name: 'server', namespace: 'bench', workload: 'server' },
  ])
  try {
    const inventory = join(scratchDirectory(), 'inventory.json')
    await lab.writeInventory(inventory)
    const args = ['--netns', lab.node.path, '--inventory', inventory]
    await stream(lab) // warm-up: the first run also pays for routes and sockets
    const blocks: Block[] = []
    for (let i = 0; i < BLOCKS; i++) blocks.push(await block(lab, args))
    return summarize(blocks)
  } finally {
    await lab.destroy()
  }
}

function summarize(blocks: readonly Block[]): number {
  const losses = blocks.map(({ without, watched }) => 100 * (1 - watched.bitsPerSecond / without.bitsPerSecond))
  const costs = blocks.map(({ without, watched }) => 100 * (watched.cost / without.cost - 1))
  notes.length = 0
  notes.push(
    `medians: ${gigabits(blocks.map(block => block.without))} without, ${gigabits(blocks.map(block => block.watched))} with Weir`,
  )
  notes.push(`by block: ${list(losses)} percent; the value is their median`)
  notes.push(`CPU time per byte rises by ${list(costs)} percent; their median is ${median(costs).toFixed(1)}`)
  return median(losses)
}

function list(values: readonly number[]): string {
  return [...values]
    .sort((a, b) => a - b)
    .map(value => value.toFixed(1))
    .join(', ')
}

function gigabits(streams: readonly Stream[]): string {
  return `${(median(streams.map(({ bitsPerSecond }) => bitsPerSecond)) / 1e9).toFixed(1)} Gbit/s`
}

async function block(lab: Lab, args: readonly string[]): Promise<Block> {
  const first = await stream(lab)
  const watched = await watchedStreams(lab, args)
  return { without: mean(first, await stream(lab)), watched }
}

/** Throws if Weir did not count these streams. */
async function watchedStreams(lab: Lab, args: readonly string[]): Promise<Stream> {
  const weir = await startWeir(args)
  try {
    const both = mean(await stream(lab), await stream(lab))
    const bytes = (await weir.metrics()).sum('weir_flow_bytes_total', { source_namespace: 'bench', reporter: 'source' })
    const sent = (2 * both.bitsPerSecond * SECONDS) / BITS
    if (bytes < sent) throw new Error(`Weir counted ${bytes} bytes of streams of ${sent}`)
    return both
  } finally {
    await weir.stop()
  }
}

function mean(a: Stream, b: Stream): Stream {
  return { bitsPerSecond: (a.bitsPerSecond + b.bitsPerSecond) / 2, cost: (a.cost + b.cost) / 2 }
}

async function stream(lab: Lab): Promise<Stream> {
  const [client, server] = [lab.pod('client'), lab.pod('server')]
  const { bitsPerSecond, processors } = await bulk(client, server, server.ipv4, { seconds: SECONDS })
  return { bitsPerSecond, cost: (processors * NS_PER_SECOND) / (bitsPerSecond / BITS / KIB) }
}
