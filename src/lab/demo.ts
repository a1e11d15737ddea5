// SPDX-License-Identifier: Apache-2.0
/**
 * demo.ts - the lab of `weir demo`: a small shop with traffic, and a client that is not allowed to reach the database.
 *
 * Out:   load -> web -> api -> database over HTTP and TCP, DNS, pings, resets, and drops by the node's firewall.
 * Fail:  traffic stops at the first error, which the caller gets.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Lab, type LabOptions } from './lab.js'
import type { PodSpec } from './plan.js'
import { ping } from './traffic.js'

const PODS: readonly PodSpec[] = [
  { name: 'web-1', namespace: 'shop', workload: 'web' },
  { name: 'web-2', namespace: 'shop', workload: 'web' },
  { name: 'api', namespace: 'shop', workload: 'api' },
  { name: 'database', namespace: 'data', workload: 'database', kind: 'StatefulSet' },
  { name: 'dns', namespace: 'kube-system', workload: 'dns', kind: 'DaemonSet' },
  { name: 'client-blocked', namespace: 'guest', workload: 'client-blocked' },
  { name: 'load', namespace: 'load', workload: 'load-generator' },
]

const PORT = { http: 8080, database: 5432, dns: 53 } as const
/** Five requests to each of two replicas, five times per second. */
const LOAD_INTERVAL_MS = 200
const REQUESTS = 5
const SLOW_INTERVAL_MS = 2_000
/** Long enough for the blocked client's first SYN and its retry. */
const BLOCKED_TIMEOUT_MS = 1_500

/** Running demo traffic. */
export interface Traffic {
  /** Resolves when the last request in progress has finished. May be called twice. */
  stop(): Promise<void>
}

/** Creates the pods and a rule that drops packets from the guest to the database. The caller destroys the lab. */
export async function createDemoLab(options: LabOptions = {}): Promise<Lab> {
  const lab = await Lab.create(PODS, options)
  const [guest, database] = [lab.pod('client-blocked'), lab.pod('database')]
  await lab.nft(`table inet lab {
    chain forward {
      type filter hook forward priority filter
      ip saddr ${guest.ipv4} ip daddr ${database.ipv4} counter drop
      ip6 saddr ${guest.ipv6} ip6 daddr ${database.ipv6} counter drop
    }
  }`)
  return lab
}

/** Starts the servers, then the clients, until stop(). `onFailure` gets the first error, which ends the traffic. */
export async function startTraffic(lab: Lab, onFailure: (reason: Error) => void): Promise<Traffic> {
  await serve(lab)
  const stopping = new AbortController()
  const loops = [
    every(LOAD_INTERVAL_MS, stopping.signal, () => requests(lab)),
    every(LOAD_INTERVAL_MS, stopping.signal, () => queries(lab)),
    every(SLOW_INTERVAL_MS, stopping.signal, () => pings(lab)),
    every(SLOW_INTERVAL_MS, stopping.signal, () => blocked(lab)),
    every(SLOW_INTERVAL_MS, stopping.signal, () => resets(lab)),
  ]
  const ended = Promise.all(loops).then(
    () => undefined,
    (reason: Error) => {
      if (stopping.signal.aborted) return
      stopping.abort()
      onFailure(reason)
    },
  )
  return {
    stop() {
      stopping.abort()
      return ended
    },
  }
}

async function serve(lab: Lab): Promise<void> {
  const database = lab.pod('database')
  const api = lab.pod('api')
  await database.agent.call('tcpServe', { ports: [PORT.database] })
  await lab.pod('dns').agent.call('udpServe', { port: PORT.dns, answer: 'dns' })
  const store = { kind: 'tcp', host: database.ipv4, port: PORT.database } as const
  await api.agent.call('httpServe', { port: PORT.http, upstream: store })
  const upstream = { kind: 'http', host: api.ipv4, port: PORT.http } as const
  for (const web of ['web-1', 'web-2']) await lab.pod(web).agent.call('httpServe', { port: PORT.http, upstream })
}

/** Calls one replica over IPv4, the other over IPv6. */
async function requests(lab: Lab): Promise<void> {
  const { agent } = lab.pod('load')
  const hosts = [lab.pod('web-1').ipv4, lab.pod('web-2').ipv6]
  const load = { port: PORT.http, count: REQUESTS, concurrency: REQUESTS }
  await Promise.all(hosts.map(host => agent.call('httpLoad', { host, ...load })))
}

async function queries(lab: Lab): Promise<void> {
  const { ipv4: host } = lab.pod('dns')
  const names = ['api.shop.svc', 'database.data.svc', 'shop.example']
  const clients = [lab.pod('web-1'), lab.pod('api')]
  await Promise.all(clients.map(({ agent }) => agent.call('dnsQuery', { host, port: PORT.dns, names })))
}

async function pings(lab: Lab): Promise<void> {
  const web = lab.pod('web-1')
  await Promise.all([web.ipv4, web.ipv6].map(address => ping(lab.pod('load'), address, { count: 3 })))
}

/** Never succeeds: the firewall drops the SYN and its retransmission. */
async function blocked(lab: Lab): Promise<void> {
  const { ipv4: host } = lab.pod('database')
  const attempt = { ports: [PORT.database], count: 1, concurrency: 1, timeoutMs: BLOCKED_TIMEOUT_MS }
  await lab.pod('client-blocked').agent.call('tcpStorm', { host, ...attempt })
}

async function resets(lab: Lab): Promise<void> {
  const { ipv4: host } = lab.pod('database')
  const storm = { ports: [PORT.database], count: 2, concurrency: 1, close: 'reset' } as const
  await lab.pod('web-2').agent.call('tcpStorm', { host, ...storm })
}

/** Pauses between runs: a slow job makes less traffic but no queue. */
async function every(pauseMs: number, signal: AbortSignal, job: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await job()
    // Only stop() aborts the pause, and then the loop ends too.
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
  }
}
