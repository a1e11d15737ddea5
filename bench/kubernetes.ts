/**
 * kubernetes.ts - the cost of the names of a large cluster: first sync, memory, delay of the main thread, steady changes.
 *
 * In:    the API of kubernetes-server.ts, in a process of its own, over TLS; a network namespace without interfaces.
 * Out:   seconds from the start until the names of 150,000 pods are in the kernel's tables; the rest as notes. At the end
 *        the tables are read and must have the same entity for each address.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EntityChanges } from '../src/datapath/identity/entity-changes.js'
import { Kubernetes } from '../src/kubernetes/kubernetes.js'
import { longestDelay } from './loop-delay.js'
import { NamedKernel } from './named-kernel.js'

export const name = 'kubernetes'
export const unit = 's'
export const limit = 60
export const notes: string[] = []

const PER_SECOND = 500
/** Warm-up, until V8 has compiled the code that applies changes. */
const WARM_MS = 20_000
const STEADY_MS = 30_000
const DELAY_MS = 10_000
const LATENCY_MS = 100
const SYNC_DEADLINE_MS = 180_000

export async function run(): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'weir-bench-'))
  const kernel = await NamedKernel.open()
  const server = fork(new URL('./kubernetes-server.js', import.meta.url))
  try {
    return await measure(server, directory, kernel)
  } finally {
    server.kill()
    await kernel.close()
    rmSync(directory, { recursive: true })
  }
}

async function measure(server: ChildProcess, directory: string, kernel: NamedKernel): Promise<number> {
  const [{ port, authority }] = (await once(server, 'message')) as [{ port: number; authority: string }]
  writeFileSync(join(directory, 'ca.crt'), authority)
  writeFileSync(join(directory, 'token'), 'token')
  const before = rssMb()
  const seen = new Seen()
  const options = { nodeName: 'node-1', cilium: 'auto', requireSync: true, userAgent: 'weir-bench' } as const
  const account = { host: '127.0.0.1', port: String(port), directory }
  const workerDied = (reason: Error) => {
    throw reason
  }
  const changes = (changes: EntityChanges) => seen.take(changes, kernel.names.apply(changes))
  const watch = new Kubernetes(
    { ...options, account },
    { changes, workerDied, keys: () => kernel.exporter.entities.keys() },
  )
  const cpu = cpuSeconds()
  const began = performance.now()
  const { own, all } = await longestDelay(synced(watch))
  const seconds = (performance.now() - began) / 1000
  notes.push(`${cpuSeconds(cpu).toFixed(1)} s of CPU time for the sync, all threads together`)
  notes.push(
    `${seen.upserts} upserts in ${seen.batches} batches; RSS ${rssMb()} MB after it, ${before} before (limit 500)`,
  )
  notes.push(
    `longest delay of the main thread during it ${own.toFixed(1)} ms (limit 50), ${all.toFixed(1)} with waits for a CPU`,
  )
  await steady(server, seen)
  notes.push(`RSS ${rssMb()} MB at the end; ${kernel.check()} addresses in the kernel have the right entity`)
  await watch.stop()
  return seconds
}

async function synced(watch: Kubernetes): Promise<void> {
  const deadline = performance.now() + SYNC_DEADLINE_MS
  await watch.start()
  while (!watch.synced) {
    if (performance.now() > deadline) throw new Error(`not synced: ${watch.notReady}`)
    await sleep(20)
  }
}

async function steady(server: ChildProcess, seen: Seen): Promise<void> {
  await sleep(2_000) // garbage of the sync
  const idle = await share(sleep(2_000))
  server.send({ perSecond: PER_SECOND })
  await sleep(WARM_MS)
  seen.latencies = []
  const busy = await share(sleep(STEADY_MS))
  const sorted = seen.latencies.sort((a, b) => a - b)
  const at = (part: number) => (sorted[Math.floor(sorted.length * part)] ?? Number.NaN).toFixed(1)
  notes.push(
    `${PER_SECOND} changes per second: ${busy.toFixed(1)} % of a core (limit 10), ${idle.toFixed(1)} % without changes`,
  )
  notes.push(
    `event to kernel: ${sorted.length} names, median ${at(0.5)} ms, 99 % ${at(0.99)} ms, longest ${at(0.9999)} ms (limit ${LATENCY_MS})`,
  )
  // Last, because measuring this often takes CPU time itself.
  const { own, all } = await longestDelay(sleep(DELAY_MS))
  notes.push(
    `longest delay of the main thread during changes ${own.toFixed(1)} ms (limit 50), ${all.toFixed(1)} with waits for a CPU`,
  )
}

/** CPU time of this process meanwhile, in percent of a core. */
async function share(meanwhile: Promise<unknown>): Promise<number> {
  const cpu = cpuSeconds()
  const began = performance.now()
  await meanwhile
  return (cpuSeconds(cpu) / (performance.now() - began)) * 1e5
}

/** The changes received, and the time from the server's event until the kernel's tables had each name. */
class Seen {
  upserts = 0
  batches = 0
  latencies: number[] = []

  async take({ upserts }: EntityChanges, applied: Promise<unknown>): Promise<void> {
    await applied
    this.batches++
    this.upserts += upserts.length
    const now = performance.timeOrigin + performance.now()
    for (const { pod } of upserts) {
      if (pod.startsWith('stamp-')) this.latencies.push(now - Number(pod.slice(6)) / 1000)
    }
  }
}

function cpuSeconds(since = 0): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6 - since
}

function rssMb(): number {
  return Math.round(process.memoryUsage.rss() / 1e6)
}
