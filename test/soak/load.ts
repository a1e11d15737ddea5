/**
 * load.ts - what keeps Weir busy during a soak: traffic, pods that come and go, reloads, scrapes, observers.
 *
 * Out:   loops, each until it is stopped; stop() resolves when the last round of each has finished.
 * Fail:  the first error of a loop ends it and is reported.
 */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LabCluster } from '../../src/lab/kubernetes/lab-cluster.js'
import type { Lab } from '../../src/lab/lab.js'
import { quiet } from '../../src/lab/links.js'
import type { Pod } from '../../src/lab/pod.js'
import { MAIN } from '../support/command.js'
import { until } from '../support/until.js'
import type { WeirProcess } from '../support/weir-process.js'

export interface Soaked {
  readonly lab: Lab
  readonly cluster: LabCluster
  readonly weir: WeirProcess
  /** The settings file, and the address of the flow API. */
  readonly configFile: string
  readonly api: string
  readonly receiver: string
}

export const PORTS = { tcp: [8001, 8002, 8003, 8004], udp: 9000 } as const
const WORKLOADS = 20
const STORM = { count: 300, concurrency: 8, size: 4000 } as const
const DATAGRAMS = 500
const CALL_MS = 120_000
const OBSERVER_MS = 45_000
const ACCEPT = ['text/plain;version=0.0.4', 'application/openmetrics-text;version=1.0.0'] as const
/** Sets of labels that the reloads switch between. `protocol` is in each. */
const LABELS: readonly (readonly string[])[] = [
  ['source_workload', 'destination_workload'],
  ['source_namespace', 'destination_namespace', 'destination_port'],
  ['source_workload', 'source_node', 'destination_zone'],
]

export class Load {
  readonly counts = { storms: 0, pods: 0, podsNotAdded: 0, reloads: 0, scrapes: 0, observers: 0 }
  readonly errors: string[] = []
  readonly #soaked: Soaked
  readonly #stop = new AbortController()
  readonly #loops: readonly Promise<void>[]

  constructor(soaked: Soaked) {
    this.#soaked = soaked
    this.#loops = [
      this.#every(700, () => this.#storm()),
      this.#every(500, () => this.#datagrams()),
      this.#every(2500, () => this.#churn()),
      this.#every(15_000, () => this.#reload()),
      this.#every(1000, () => this.#scrape()),
      this.#every(500, () => this.#observe()),
    ]
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#loops)
  }

  async #every(ms: number, round: () => Promise<void>): Promise<void> {
    const { signal } = this.#stop
    try {
      while (!signal.aborted) {
        await round()
        await sleep(ms, undefined, { signal }).catch(() => undefined)
      }
    } catch (error) {
      this.errors.push((error as Error).message)
      console.error(`soak: ${(error as Error).stack}`)
    }
  }

  async #storm(): Promise<void> {
    const { lab } = this.#soaked
    const server = lab.pod('server')
    const host = this.counts.storms++ % 2 === 0 ? server.ipv4 : server.ipv6
    const close = this.counts.storms % 3 === 0 ? 'reset' : 'fin'
    await lab.pod('client').agent.call('tcpStorm', { host, ports: PORTS.tcp, ...STORM, close }, CALL_MS)
  }

  async #datagrams(): Promise<void> {
    const { lab } = this.#soaked
    const args = { host: lab.pod('server').ipv4, port: PORTS.udp, count: DATAGRAMS, size: 200 }
    await lab.pod('sender').agent.call('udpSend', args, CALL_MS)
  }

  /** A pod comes, is named and watched, sends, and goes. */
  async #churn(): Promise<void> {
    const { lab, cluster, weir } = this.#soaked
    const n = this.counts.pods++
    const pod = await this.#added(n)
    if (pod === undefined) return
    cluster.put(pod)
    const watched = async () => {
      // On a busy machine a page may take longer than a scrape waits.
      const page = await weir.metrics().catch(() => undefined)
      return (
        page !== undefined &&
        page.sum('weir_interfaces_watched') >= lab.pods.length &&
        page.sum('weir_interfaces_pending') === 0
      )
    }
    await until('the pod is watched', watched, CALL_MS)
    const host = lab.pod('server').ipv4
    await pod.agent.call('tcpStorm', { host, ports: PORTS.tcp, count: 20, concurrency: 4 }, CALL_MS)
    // A packet that comes after its pod is gone has no link that counts it.
    const isQuiet = () =>
      quiet(lab.node.netns, [pod.link]).then(
        () => true,
        () => false,
      )
    await until('the pod is quiet', isQuiet, CALL_MS)
    cluster.remove(pod)
    await lab.removePod(pod.name)
  }

  /** Undefined if the machine is too busy to see its links settle. */
  async #added(n: number): Promise<Pod | undefined> {
    try {
      return await this.#soaked.lab.addPod({ name: `job-${n}`, namespace: 'jobs', workload: `job-${n % WORKLOADS}` })
    } catch (error) {
      this.counts.podsNotAdded++
      console.error(`soak: no pod ${n}: ${(error as Error).message}`)
      return undefined
    }
  }

  async #reload(): Promise<void> {
    const labels = LABELS[this.counts.reloads++ % LABELS.length]!
    writeFileSync(this.#soaked.configFile, settings(this.#soaked.receiver, labels))
    const response = await fetch(`${this.#soaked.weir.url}/-/reload`, { method: 'POST' })
    const text = await response.text()
    if (!response.ok) throw new Error(`reload: ${response.status} ${text}`)
  }

  async #scrape(): Promise<void> {
    const accept = ACCEPT[this.counts.scrapes++ % ACCEPT.length]!
    const response = await fetch(`${this.#soaked.weir.url}/metrics`, { headers: { accept } })
    await response.arrayBuffer()
    if (!response.ok) throw new Error(`scrape: ${response.status}`)
  }

  async #observe(): Promise<void> {
    this.counts.observers++
    const args = [MAIN, 'observe', '--follow', '--server', this.#soaked.api]
    const observer = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    observer.stdout.resume()
    const ended = new Promise(resolve => observer.once('close', resolve))
    await sleep(OBSERVER_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined)
    observer.kill('SIGKILL')
    await ended
  }
}

/** The settings file with these labels on the counts of packets and bytes. */
export function settings(receiver: string, labels: readonly string[] = LABELS[0]!): string {
  return JSON.stringify({
    otlp: { endpoint: receiver, temporality: 'delta', interval: '2s', timeout: '1s', 'export-timeout': '2s' },
    web: { 'enable-lifecycle': true },
    'hubble-metrics': 'drop tcp flow',
    'report-interval': '1s',
    families: { weir_flow_packets_total: { labels }, weir_flow_bytes_total: { labels } },
  })
}
