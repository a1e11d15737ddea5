/**
 * main.ts - a soak: Weir under traffic, churned pods, reloads, scrapes, observers and a bad OTLP receiver, for SOAK_MINUTES.
 *
 * In:    SOAK_MINUTES, default 30. Needs root.
 * Out:   a line each minute with the memory of the process; at the end the packets that the node forwarded, those on /metrics
 *        and those at the receiver.
 * Fail:  exit 1 when one of the three differs, or a part of the load failed.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { LAB_NODE, LabCluster } from '../../src/lab/kubernetes/lab-cluster.js'
import { Lab } from '../../src/lab/lab.js'
import { Firewall } from '../support/firewall.js'
import type { Samples } from '../support/samples.js'
import { until } from '../support/until.js'
import { startWeir, type WeirProcess } from '../support/weir-process.js'
import { Load, PORTS, settings } from './load.js'
import { Receiver } from './receiver.js'

const MINUTE_MS = 60_000
const NETWORK = 98
const PODS = ['client', 'server', 'sender'].map(name => ({ name, namespace: 'soak', workload: name }))
const FORWARDED = {
  counters: ['tcp_all', 'udp_all'],
  chain: `type filter hook forward priority 0
    meta l4proto tcp counter name tcp_all
    meta l4proto udp counter name udp_all`,
} as const
/** Each forwarded packet passes two pods' links. */
const REPORTERS = 2
const KB_PER_MB = 1024
const MB = 1 << 20

const minutes = Number(process.env.SOAK_MINUTES ?? 30)
const folder = mkdtempSync(join(tmpdir(), 'weir-soak-'))
const lab = await Lab.create(PODS, { network: NETWORK, offload: false })
const cluster = await LabCluster.start(lab.pods)
const receiver = await Receiver.start()
let weir: WeirProcess | undefined
try {
  weir = await started()
  process.exitCode = (await soak(weir)) ? 0 : 1
} finally {
  await weir?.stop('SIGKILL').catch(() => undefined)
  await receiver.close()
  await cluster.stop()
  await lab.destroy()
  rmSync(folder, { recursive: true })
}
process.exit()

async function started(): Promise<WeirProcess> {
  const kubeconfig = join(folder, 'kubeconfig')
  writeFileSync(kubeconfig, cluster.api.kubeconfig())
  writeFileSync(configFile(), settings(receiver.url))
  return startWeir([
    ...['--netns', lab.node.path, '--config.file', configFile(), '--hubble.listen-address', api()],
    ...['--kubernetes', '--kubernetes.kubeconfig', kubeconfig, '--kubernetes.node-name', LAB_NODE],
  ])
}

function configFile(): string {
  return join(folder, 'weir.yaml')
}

function api(): string {
  return `unix://${folder}/hubble.sock`
}

/** Whether everything was exact. */
async function soak(weir: WeirProcess): Promise<boolean> {
  const server = lab.pod('server')
  await server.agent.call('tcpServe', { ports: PORTS.tcp })
  await server.agent.call('udpServe', { port: PORTS.udp, answer: 'echo' })
  const firewall = await Firewall.start(lab, FORWARDED)
  const load = new Load({ lab, cluster, weir, configFile: configFile(), api: api(), receiver: receiver.url })
  for (let minute = 1; minute <= minutes && load.errors.length === 0; minute++) {
    await sleep(MINUTE_MS)
    const page = await weir.metrics().catch(() => undefined)
    console.log(page === undefined ? `minute ${minute}: no page in time` : report(minute, page, weir.pid))
  }
  await load.stop()
  const { samples, forwarded } = await atRest(firewall, weir)
  receiver.behave()
  const { code } = await weir.stop()
  const packets = { forwarded, page: onPage(samples), receiver: receiver.packets }
  console.log(`load: ${JSON.stringify(load.counts)}, points repeated: ${receiver.repeated}`)
  console.log(`bad answers: ${JSON.stringify(Object.fromEntries(receiver.answers))}`)
  console.log(`OTLP: ${resultsOf(samples)}`)
  console.log(
    `packets: ${packets.forwarded} forwarded, ${packets.page} on /metrics, ${packets.receiver} at the receiver`,
  )
  const problems = [...load.errors, ...receiver.faults, ...(code === 0 ? [] : [`exit code ${code}`])]
  for (const problem of problems) console.error(`soak: ${problem}`)
  return problems.length === 0 && packets.page === forwarded && packets.receiver === forwarded
}

/** The page and the node's count of packets, while none passes. */
function atRest(firewall: Firewall, weir: WeirProcess): Promise<{ samples: Samples; forwarded: number }> {
  const forwarded = async () => {
    const { tcp_all: tcp, udp_all: udp } = await firewall.counts()
    return ((tcp?.packets ?? 0) + (udp?.packets ?? 0)) * REPORTERS
  }
  const read = async () => {
    const before = await forwarded()
    const samples = await weir.metrics()
    return before === (await forwarded()) && { samples, forwarded: before }
  }
  return until('no packet passes while a page is made', read, MINUTE_MS)
}

function onPage(samples: Samples): number {
  const of = (protocol: string) => samples.sum('weir_flow_packets_total', { verdict: 'FORWARDED', protocol })
  return of('TCP') + of('UDP')
}

function resultsOf(samples: Samples): string {
  const exports = samples.series('weir_otlp_exports_total').filter(({ value }) => value > 0)
  const dropped = samples.sum('weir_otlp_points_dropped_total')
  return `${exports.map(({ labels, value }) => `${value} ${labels.result}`).join(', ')}; ${dropped} points dropped`
}

function report(minute: number, samples: Samples, pid: number): string {
  const heap = samples.sum('nodejs_heap_size_used_bytes') / MB
  const series = samples.sum('weir_series')
  return `minute ${minute}: RSS ${rssMb(pid).toFixed(0)} MB, heap ${heap.toFixed(0)} MB, ${series} series, ${onPage(samples)} packets`
}

function rssMb(pid: number): number {
  const [, kb] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kb) / KB_PER_MB
}
