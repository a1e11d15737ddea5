/**
 * throughput.ts - percent of a TCP stream between two pods that is lost when Weir watches both.
 *
 * In:    root, iperf3; a lab of its own, `weir run` as built in a process of its own.
 * Out:   the median over blocks of alternating runs; below 0 when the noise is larger than the loss.
 * Never: leaves the lab or Weir behind, whatever fails.
 */
import { join } from 'node:path'
import { Lab } from '../src/lab/lab.js'
import { bulk } from '../src/lab/traffic.js'
import { startWeir } from '../test/weir-process.js'
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

/** Bits a second, two runs of each: without, watched, watched, without, so that a machine's drift hits both alike. */
interface Block {
  readonly without: number
  readonly watched: number
}

export async function run(): Promise<number> {
  needRoot('it makes network namespaces and loads BPF programs')
  await Lab.cleanupStale()
  const lab = await Lab.create([
    { name: 'client', namespace: 'bench', workload: 'client' },
    { name: 'server', namespace: 'bench', workload: 'server' },
  ])
  try {
    const world = join(scratchDirectory(), 'world.json')
    await lab.writeWorld(world)
    const args = ['--netns', lab.node.path, '--world', world]
    await stream(lab) // what the first run pays for routes and sockets is nobody's loss
    const blocks: Block[] = []
    for (let i = 0; i < BLOCKS; i++) blocks.push(await block(lab, args))
    return told(blocks)
  } finally {
    await lab.destroy()
  }
}

function told(blocks: readonly Block[]): number {
  const [without, watched] = [median(blocks.map(block => block.without)), median(blocks.map(block => block.watched))]
  const losses = blocks.map(block => 100 * (1 - block.watched / block.without)).sort((a, b) => a - b)
  notes.length = 0
  notes.push(`medians: ${gigabits(without)} without, ${gigabits(watched)} with Weir`)
  notes.push(`by block: ${losses.map(loss => loss.toFixed(1)).join(', ')} percent; the value is their median`)
  return median(losses)
}

function gigabits(bitsPerSecond: number): string {
  return `${(bitsPerSecond / 1e9).toFixed(1)} Gbit/s`
}

async function block(lab: Lab, args: readonly string[]): Promise<Block> {
  const first = await stream(lab)
  const watched = await watchedStreams(lab, args)
  const last = await stream(lab)
  return { without: (first + last) / 2, watched }
}

/** The mean of two, and a check that it was these that Weir watched. */
async function watchedStreams(lab: Lab, args: readonly string[]): Promise<number> {
  const weir = await startWeir(args)
  try {
    const sum = (await stream(lab)) + (await stream(lab))
    const bytes = (await weir.metrics()).sum('weir_flow_bytes_total', { source_namespace: 'bench', reporter: 'source' })
    const sent = (sum * SECONDS) / BITS
    if (bytes < sent) throw new Error(`Weir counted ${bytes} bytes of streams of ${sent}`)
    return sum / 2
  } finally {
    await weir.stop()
  }
}

async function stream(lab: Lab): Promise<number> {
  const [client, server] = [lab.pod('client'), lab.pod('server')]
  const { bitsPerSecond } = await bulk(client, server, server.ipv4, { seconds: SECONDS })
  return bitsPerSecond
}
