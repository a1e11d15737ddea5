/**
 * kubernetes.ts - the cost of knowing a large cluster: first sync, memory, the main thread, steady changes.
 *
 * In:    the API of kubernetes-server.ts, in a process of its own, over TLS.
 * Out:   seconds from the start to the last of 150,000 pods' names in force in the main thread's entities and flows;
 *        the kernel's trie is not in it. The rest as notes.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { exporterOf } from '../src/cli/exporter.js'
import type { EntityChanges } from '../src/datapath/entity-changes.js'
import { defaultWorld } from '../src/datapath/world.js'
import { Kubernetes } from '../src/kubernetes/kubernetes.js'

export const name = 'kubernetes'
export const unit = 's'
export const limit = 60
export const notes: string[] = []

const PER_SECOND = 500
const STEADY_MS = 15_000
const LATENCY_MS = 100
const SYNC_DEADLINE_MS = 180_000

export async function run(): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'weir-bench-'))
  const server = fork(new URL('./kubernetes-server.ts', import.meta.url), { execArgv: ['--import', 'tsx'] })
  try {
    return await measure(server, directory)
  } finally {
    server.kill()
    rmSync(directory, { recursive: true })
  }
}

async function measure(server: ChildProcess, directory: string): Promise<number> {
  const [{ port, authority }] = (await once(server, 'message')) as [{ port: number; authority: string }]
  writeFileSync(join(directory, 'ca.crt'), authority)
  writeFileSync(join(directory, 'token'), 'token')
  const before = rssMb()
  const seen = new Seen()
  const exporter = exporterOf(defaultWorld(), true)
  exporter.entities.expectNames()
  const options = { nodeName: 'node-1', cilium: 'auto', requireSync: true, userAgent: 'weir-bench' } as const
  const account = { host: '127.0.0.1', port: String(port), directory }
  const died = (reason: Error) => {
    throw reason
  }
  const watch = new Kubernetes(
    { ...options, account },
    { changes: changes => seen.take(changes, exporter.names.apply(changes)), died },
  )
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const cpu = process.cpuUsage()
  const began = performance.now()
  await watch.start()
  while (!watch.synced) {
    if (performance.now() - began > SYNC_DEADLINE_MS) throw new Error(`not synced: ${watch.notReady}`)
    await sleep(20)
  }
  const seconds = (performance.now() - began) / 1000
  delay.disable()
  const { user, system } = process.cpuUsage(cpu)
  notes.push(`${((user + system) / 1e6).toFixed(1)} s of CPU for it, both threads together`)
  notes.push(
    `${seen.upserts} told in ${seen.batches} batches; RSS ${rssMb()} MB after it, ${before} MB before (limit 500)`,
  )
  notes.push(`longest wait of the main thread meanwhile ${(delay.max / 1e6).toFixed(1)} ms (limit 50)`)
  await steady(server, seen)
  notes.push(`RSS ${rssMb()} MB at the end`)
  await watch.stop()
  return seconds
}

async function steady(server: ChildProcess, seen: Seen): Promise<void> {
  await sleep(2_000) // garbage of the sync
  seen.latencies = []
  const cpu = process.cpuUsage()
  const began = performance.now()
  server.send({ perSecond: PER_SECOND })
  await sleep(STEADY_MS)
  const { user, system } = process.cpuUsage(cpu)
  const share = (user + system) / 10 / (performance.now() - began)
  const sorted = seen.latencies.sort((a, b) => a - b)
  const at = (part: number) => (sorted[Math.floor(sorted.length * part)] ?? Number.NaN).toFixed(1)
  notes.push(`${PER_SECOND} changes a second: ${share.toFixed(1)} % of a core (limit 10)`)
  notes.push(
    `event to name in force: ${sorted.length} names, median ${at(0.5)} ms, 99 % ${at(0.99)} ms, longest ${at(0.9999)} ms (limit ${LATENCY_MS})`,
  )
}

/** As the names come into force. */
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

function rssMb(): number {
  return Math.round(process.memoryUsage.rss() / 1e6)
}
