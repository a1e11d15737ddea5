// SPDX-License-Identifier: Apache-2.0
/**
 * traffic.ts - traffic of exact size by ping and iperf3.
 *
 * In:    pods, addresses, counts and sizes.
 * Out:   what was sent and received.
 * Fail:  an Error that names the pods and contains the program's message.
 */
import type { Pod } from './pod.js'
import type { Child } from './process.js'

export interface PingResult {
  readonly sent: number
  readonly received: number
}

export interface PingOptions {
  readonly count: number
  /** Bytes of ICMP payload; default 56. */
  readonly size?: number
}

/** Sends echo requests, 10 ms apart, to an IPv4 or IPv6 address. */
export async function ping(from: Pod, address: string, { count, size = 56 }: PingOptions): Promise<PingResult> {
  const argv = ['ping', '-n', '-q', '-c', String(count), '-i', '0.01', '-s', String(size), '-W', '1', address]
  const { stdout, stderr } = await from.exec(argv, { timeoutMs: 10_000 + count * 20 })
  const found = /(\d+) packets transmitted, (\d+) received/.exec(stdout)
  if (found === null) throw new Error(`ping ${address} from ${from.name}: ${stderr.trim() || stdout.trim()}`)
  return { sent: Number(found[1]), received: Number(found[2]) }
}

export interface BulkResult {
  /** Payload bytes received. */
  readonly bytes: number
  readonly bitsPerSecond: number
  /** CPU time of sender and receiver together, in seconds per second. */
  readonly processors: number
}

export interface BulkOptions {
  /** Whole seconds. */
  readonly seconds: number
  /** One-way bandwidth limit in bits per second; default: none. */
  readonly bitsPerSecond?: number
  readonly port?: number
}

/** Runs a TCP stream by iperf3 from one pod to an address of another. */
export async function bulk(from: Pod, to: Pod, address: string, options: BulkOptions): Promise<BulkResult> {
  const port = String(options.port ?? 5201)
  const limit = options.bitsPerSecond === undefined ? [] : ['-b', String(options.bitsPerSecond)]
  const argv = ['iperf3', '-c', address, '-p', port, '-t', String(options.seconds), '-J', ...limit]
  const server = to.spawn(['iperf3', '-s', '-1', '-p', port, '--forceflush'])
  try {
    await listening(server, to.name)
    const { stdout } = await from.exec(argv, { timeoutMs: (options.seconds + 15) * 1000 })
    const { error, end } = JSON.parse(stdout) as IperfReport
    // With -J, iperf3 reports failures in its output and exits with 0.
    const received = end.sum_received
    if (received === undefined) throw new Error(`iperf3 from ${from.name} to ${address}: ${error}`)
    const { host_total, remote_total } = end.cpu_utilization_percent
    const processors = (host_total + remote_total) / 100
    return { bytes: received.bytes, bitsPerSecond: received.bits_per_second, processors }
  } finally {
    server.kill('SIGKILL')
  }
}

interface IperfReport {
  readonly error?: string
  readonly end: {
    readonly sum_received?: { readonly bytes: number; readonly bits_per_second: number }
    readonly cpu_utilization_percent: { readonly host_total: number; readonly remote_total: number }
  }
}

function listening(server: Child, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(() => reject(new Error(`iperf3 in ${name} does not listen after 5000 ms`)), 5_000)
    server.once('error', reject)
    server.stdout?.on('data', (chunk: Buffer) => {
      if (!chunk.includes('listening')) return
      clearTimeout(deadline)
      resolve()
    })
  })
}
