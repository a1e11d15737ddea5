/**
 * stop.test.ts - signals end Weir quickly and cleanly: scrapes are finished, nothing is left in the kernel.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import type { Lab } from '../../src/lab/lab.js'
import { quiet } from '../../src/lab/links.js'
import { listNetns } from '../../src/lab/netns.js'
import { must, plainEnvironment } from '../../src/lab/process.js'
import { ping } from '../../src/lab/traffic.js'
import { holdingsOf, leftOf } from '../support/kernel-holdings.js'
import { ownFilters } from '../support/own-filters.js'
import { Samples } from '../support/samples.js'
import { until } from '../support/until.js'
import { inventoryFile, labOf, ROOT } from '../support/watched-lab.js'
import { listeningUrl, startWeir, type WeirProcess } from '../support/weir-process.js'

const NETWORK = 64
const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
/** From SIGTERM to the end, whatever clients do. */
const STOP_MS = 2_000
/** A start under way is finished first; a busy machine may take its time. */
const START_MS = 20_000
/** Enough that a page is far larger than what the sockets' buffers take. */
const PEERS = 800

type Ending = readonly [code: number | null, signal: NodeJS.Signals | null]

/** A process's end, or an error when it is not there in time. */
async function ends(child: ChildProcess, withinMs = STOP_MS): Promise<Ending> {
  if (child.exitCode !== null || child.signalCode !== null) return [child.exitCode, child.signalCode]
  const late = new AbortController()
  const end = once(child, 'exit').then(([code, signal]) => [code, signal] as Ending)
  const ending = await Promise.race([end, sleep(withinMs, undefined, { signal: late.signal }).catch(() => undefined)])
  late.abort()
  if (ending === undefined) throw new Error(`still running after ${withinMs} ms`)
  return ending
}

/** Start a command of Weir's; killed with the test. */
function start(t: Test, ...args: string[]): { child: ChildProcess; said(): string } {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: plainEnvironment() })
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk
  })
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await once(child, 'exit')
  })
  return { child, said: () => said }
}

/** A scrape that reads the head of the answer, and the rest on demand. */
class SlowScrape {
  readonly #socket: Socket
  #text = ''

  private constructor(socket: Socket) {
    this.#socket = socket.setEncoding('utf8')
  }

  static async start(weir: WeirProcess): Promise<SlowScrape> {
    const { hostname, port } = new URL(weir.url)
    const scrape = new SlowScrape(connect(Number(port), hostname))
    scrape.#socket.write('GET /metrics HTTP/1.1\r\nHost: weir\r\n\r\n')
    while (!scrape.#text.includes('\r\n\r\n')) {
      await once(scrape.#socket, 'readable')
      scrape.#text += scrape.#socket.read(1_000) ?? ''
    }
    return scrape
  }

  /** Bytes of the page, as the head promises them. */
  get promised(): number {
    return Number(/^content-length: (\d+)/im.exec(this.#text)?.[1])
  }

  /** The page, read to the connection's end. */
  async finish(): Promise<string> {
    for await (const chunk of this.#socket) this.#text += chunk
    return this.#text.slice(this.#text.indexOf('\r\n\r\n') + 4)
  }

  abandon(): void {
    this.#socket.on('error', () => undefined).destroy()
  }
}

/** A lab and a Weir whose page is some megabytes: one pod, and many peers with names of their own. */
async function large(t: Test, attach: 'tcx' | 'tc'): Promise<{ lab: Lab; weir: WeirProcess }> {
  const lab = await labOf(t, ['stop/a', 'stop/b'], { network: NETWORK })
  const a = lab.pod('a')
  const inventory = lab.inventory()
  const hosts = Array.from({ length: PEERS }, (_, n) => `10.${NETWORK}.${100 + (n >> 8)}.${n & 255}`)
  const peers = hosts.map((host, n) => {
    const name = `${'peer-'.repeat(60)}${n}`
    return { ...inventory.endpoints[0], id: 1000 + n, ips: [host], pod: name, workload: { kind: 'Deployment', name } }
  })
  const file = inventoryFile(t, lab, { ...inventory, endpoints: [...inventory.endpoints, ...peers] })
  const weir = await startWeir(['--netns', lab.node.path, '--inventory', file, '--attach', attach])
  t.teardown(() => weir.stop('SIGKILL'))
  await Promise.all(hosts.map(host => a.agent.call('udpSend', { host, port: 9, count: 1, size: 10 })))
  return { lab, weir }
}

async function leavesNothing(t: Test, lab: Lab, held: ReturnType<typeof holdingsOf>): Promise<void> {
  t.strictSame(await ownFilters(lab), [], 'no filter')
  await until('nothing of it is in the kernel', () => leftOf(held).length === 0)
}

for (const [signal, attach] of [['SIGTERM', 'tcx'] as const, ['SIGINT', 'tc'] as const]) {
  t.test(
    `${signal} finishes the scrape in progress, detaches and ends with 0, attached by ${attach}`,
    ROOT,
    async t => {
      const { lab, weir } = await large(t, attach)
      const held = holdingsOf(weir.pid)
      const scrape = await SlowScrape.start(weir)
      t.comment(`a page of ${scrape.promised} bytes`)
      weir.process.kill(signal)
      const ending = ends(weir.process)
      ending.catch(() => undefined) // awaited below
      await until('it does not listen any more', () => refuses(weir))
      t.equal(weir.process.exitCode, null, 'it waits for the scrape')
      t.strictSame(holdingsOf(weir.pid).link.size + (await ownFilters(lab)).length, 0, 'detached by then')
      const page = await scrape.finish()
      t.equal(Buffer.byteLength(page), scrape.promised, 'the page is whole')
      t.equal(Samples.parse(page).sum('weir_flow_packets_total', { reporter: 'source', source_workload: 'a' }), PEERS)
      t.strictSame(await ending, [0, null])
      await leavesNothing(t, lab, held)
    },
  )
}

t.test('a reader that never reads does not keep it from ending', ROOT, async t => {
  const { lab, weir } = await large(t, 'tcx')
  const held = holdingsOf(weir.pid)
  const scrape = await SlowScrape.start(weir)
  weir.process.kill('SIGTERM')
  t.strictSame(await ends(weir.process), [0, null])
  scrape.abandon()
  await leavesNothing(t, lab, held)
})

t.test('a second signal ends it at once', ROOT, async t => {
  const { lab, weir } = await large(t, 'tc')
  const held = holdingsOf(weir.pid)
  const scrape = await SlowScrape.start(weir)
  weir.process.kill('SIGTERM')
  await until('it is stopping', () => /msg=stopping/.test(weir.stderr()))
  await until('it does not listen any more', () => refuses(weir))
  weir.process.kill('SIGINT')
  t.strictSame(await ends(weir.process), [1, null])
  scrape.abandon()
  await leavesNothing(t, lab, held)
})

for (const attach of ['tcx', 'tc']) {
  for (const command of ['run', 'record']) {
    t.test(`a signal during the start of ${command} leaves nothing, attached by ${attach}`, ROOT, async t => {
      const lab = await labOf(t, ['stop/a', 'stop/b'], { network: NETWORK })
      const own = { run: ['--web.listen-address', '127.0.0.1:0'], record: ['-o', '/dev/null'] }[command] ?? []
      const args = ['--netns', lab.node.path, '--inventory', inventoryFile(t, lab), '--attach', attach]
      const { child, said } = start(t, command, ...own, ...args)
      const held = await until('it has something in the kernel', () => {
        const now = holdingsOf(child.pid!)
        return now.prog.size + now.map.size > 0 && now
      })
      child.kill('SIGTERM')
      t.strictSame(await ends(child, START_MS), [0, null], said())
      await leavesNothing(t, lab, held)
    })
  }
}

t.test('SIGTERM of weir record leaves a recording whose sums are the links’ own', ROOT, async t => {
  const lab = await labOf(t, ['stop/a', 'stop/b'], { network: NETWORK })
  const [a, b] = [lab.pod('a'), lab.pod('b')]
  await b.agent.call('tcpServe', { ports: [8001] })
  await b.agent.call('udpServe', { port: 9000, answer: 'echo' })
  const inventory = inventoryFile(t, lab)
  const file = join(t.testdir({ 'inventory.json': readFileSync(inventory, 'utf8') }), 'flows.pcap')
  const before = await lab.allCounters()
  const { child, said } = start(t, 'record', '-o', file, '--netns', lab.node.path, '--inventory', inventory)
  await until('it is recording', () => /msg=recording/.test(said()))
  const held = holdingsOf(child.pid!)
  await a.agent.call('tcpStorm', { host: b.ipv4, ports: [8001], count: 300, concurrency: 10 })
  await a.agent.call('udpSend', { host: b.ipv6, port: 9000, count: 500, size: 700, echo: true })
  await ping(b, a.ipv4, { count: 9 })
  await quiet(
    lab.node.netns,
    lab.pods.map(({ link }) => link),
  )
  const after = await lab.allCounters()
  child.kill('SIGTERM')
  t.strictSame(await ends(child), [0, null], said())
  await leavesNothing(t, lab, held)
  const printed = await must([process.execPath, MAIN, 'metrics', '--input-file', file, '--inventory', inventory])
  const page = Samples.parse(printed)
  for (const [from, to] of [['a', 'b'] as const, ['b', 'a'] as const]) {
    const flow = { source_workload: from, destination_workload: to, verdict: 'FORWARDED' }
    for (const what of ['packets', 'bytes'] as const) {
      const name = `weir_flow_${what}_total`
      const sent = after.get(from)!.rx[what] - before.get(from)!.rx[what]
      const taken = after.get(to)!.tx[what] - before.get(to)!.tx[what]
      t.equal(page.sum(name, { ...flow, reporter: 'source' }), sent, `${what} from ${from}`)
      t.equal(page.sum(name, { ...flow, reporter: 'destination' }), taken, `${what} to ${to}`)
    }
  }
  const opened = { source_workload: 'a', protocol: 'TCP', reporter: 'source' }
  t.equal(page.sum('weir_connections_opened_total', opened), 300)
  t.equal(page.sum('weir_connections_closed_total', { ...opened, reason: 'fin' }), 300)
})

for (const when of ['while it builds the lab', 'when it serves']) {
  t.test(`weir demo, ended ${when}, leaves no namespace, process or program`, ROOT, async t => {
    const { child, said } = start(t, 'demo', '--web.listen-address', '127.0.0.1:0')
    const own = () => listNetns().filter(name => name.startsWith(`weir-${child.pid}-`))
    await until('it has a namespace', () => own().length > 0)
    let held: ReturnType<typeof holdingsOf> | undefined
    let descendants: number[] = []
    if (when === 'when it serves') {
      const url = await until('it serves', () => listeningUrl(said()))
      await until('there is traffic', async () => {
        const page = Samples.parse(await (await fetch(`${url}/metrics`)).text())
        return page.sum('weir_flow_packets_total', { destination_workload: 'database' }) > 0
      })
      held = holdingsOf(child.pid!)
      descendants = await descendantsOf(child.pid!)
      t.ok(descendants.length >= 7, 'an agent in each pod')
    }
    child.kill('SIGTERM')
    const [code, signal] = await ends(child, START_MS)
    t.strictSame([code, signal], [0, null], said())
    t.strictSame(own(), [], 'no namespace')
    if (held !== undefined) await until('nothing is in the kernel', () => leftOf(held).length === 0)
    await until('no process is left', () => !descendants.some(isAlive))
  })
}

async function refuses(weir: WeirProcess): Promise<boolean> {
  const { hostname, port } = new URL(weir.url)
  const socket = connect(Number(port), hostname)
  try {
    await once(socket, 'connect')
    return false
  } catch (reason) {
    return (reason as NodeJS.ErrnoException).code === 'ECONNREFUSED'
  } finally {
    socket.destroy()
  }
}

/** Children, their children and so on. */
async function descendantsOf(pid: number): Promise<number[]> {
  const rows = (await must(['ps', '-e', '-o', 'pid=,ppid='])).trim().split('\n')
  const parents = new Map(rows.map(row => row.trim().split(/\s+/).map(Number) as [number, number]))
  const isOurs = (n: number | undefined): boolean =>
    n !== undefined && (parents.get(n) === pid || isOurs(parents.get(n)))
  return [...parents.keys()].filter(isOurs)
}

function isAlive(pid: number): boolean {
  return readdirSync('/proc').includes(String(pid))
}
