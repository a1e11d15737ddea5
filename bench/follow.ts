/**
 * follow.ts - milliseconds from a pod's packet to its line in `weir observe --follow`.
 *
 * In:    root; a lab of its own, `weir run` and `weir observe` as built, in processes of their own.
 * Out:   the largest median of the kinds of event; the median and the maximum of each below it. From the time that ping or
 *        curl tell of their packet (packet-time.ts) until the line was read here, both by the machine's clock.
 * Fail:  a line that does not come in time: an Error that names it.
 *        A busy machine delays every process between the two ends, so its load is printed too.
 * Never: leaves the lab, Weir or the follower behind, whatever fails.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { Lab } from '../src/lab/lab.js'
import type { Pod } from '../src/lab/pod.js'
import { MAIN } from '../test/support/command.js'
import { until } from '../test/support/until.js'
import { plainEnvironment, startWeir, type WeirProcess } from '../test/support/weir-process.js'
import { needRoot } from './datapath.js'
import { median } from './median.js'
import { connectTime, pingTime } from './packet-time.js'
import { scratchDirectory } from './scratch.js'

export const name = 'follow'
export const unit = 'ms'
export const limit = 200
export const notes: string[] = []

const TIMES = 10
const APART_MS = 1_000
const LINE_DEADLINE_MS = 10_000
const START_DEADLINE_MS = 60_000
const HTTP = 8_080
/** Dropped by the node: one for the repeats, and those behind it for a first attempt each. */
const BLOCKED = 9_000
/** Shorter than TCP's first retransmission: one SYN an attempt. */
const ATTEMPT_SECONDS = 0.5
const NAMESPACE = 'bench'

/** Ends with what it found, the lines of a command that goes on. */
class Follower {
  readonly process: ChildProcess
  #waiting: ((line: string) => void) | undefined

  constructor(args: readonly string[]) {
    this.process = spawn(process.execPath, [MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: plainEnvironment(),
    })
    createInterface({ input: this.process.stdout! }).on('line', line => this.#waiting?.(line))
  }

  /** Milliseconds from the packet, whose time `act` tells, to the first line of that shape. */
  async after(shape: RegExp, act: () => Promise<number>): Promise<number> {
    const shown = new Promise<number>(resolve => {
      this.#waiting = line => shape.test(line) && resolve(Date.now())
    })
    const late = new AbortController()
    const deadline = sleep(LINE_DEADLINE_MS, undefined, { signal: late.signal }).catch(() => undefined)
    const [at, sent] = await Promise.all([Promise.race([shown, deadline]), act()])
    late.abort()
    this.#waiting = undefined
    if (at === undefined) throw new Error(`no line ${shape} in ${LINE_DEADLINE_MS} ms`)
    return at - sent
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return
    this.process.kill('SIGKILL')
    await once(this.process, 'close')
  }
}

export async function run(): Promise<number> {
  needRoot('it makes network namespaces and loads BPF programs')
  await Lab.cleanupStale()
  const lab = await Lab.create(['client', 'server'].map(pod => ({ name: pod, namespace: NAMESPACE, workload: pod })))
  const scratch = scratchDirectory()
  let weir: WeirProcess | undefined
  let follower: Follower | undefined
  try {
    await lab.writeInventory(join(scratch, 'inventory.json'))
    const api = `unix://${join(scratch, 'hubble.sock')}`
    const args = [
      '--netns',
      lab.node.path,
      '--inventory',
      join(scratch, 'inventory.json'),
      '--hubble.listen-address',
      api,
    ]
    weir = await startWeir(args)
    follower = new Follower(['observe', '--server', api, '--follow', '--namespace', NAMESPACE])
    await until('it follows', streams(weir), START_DEADLINE_MS)
    return told(await events(lab, follower))
  } finally {
    await follower?.stop()
    await weir?.stop()
    await lab.destroy()
  }
}

const streams = (weir: WeirProcess) => async () => (await weir.metrics()).sum('weir_flow_api_streams') === 1

/** Milliseconds by kind of event. */
async function events(lab: Lab, follower: Follower): Promise<Record<string, number[]>> {
  const [client, server] = [lab.pod('client'), lab.pod('server')]
  await server.agent.call('httpServe', { port: HTTP })
  await lab.nft(`table inet blocked {
    chain forward {
      type filter hook forward priority 0
      tcp dport ${BLOCKED}-${BLOCKED + TIMES} drop
    }
  }`)
  const syn = new RegExp(`-> \\S+:${HTTP} .* to-endpoint FORWARDED \\(TCP Flags: SYN\\)$`)
  const blocked = (port: number) => attempt(follower, client, server, port)
  return {
    ping: await repeat(() => follower.after(/\(ICMPv4 EchoRequest\)$/, () => pingTime(client, server.ipv4))),
    curl: await repeat(() => follower.after(syn, () => connect(client, server, HTTP))),
    'blocked, first of its port': await repeat(n => blocked(BLOCKED + 1 + n)),
    // The first of them is of its port too.
    'blocked again, 1 s apart': (await repeat(() => blocked(BLOCKED), TIMES + 1)).slice(1),
  }
}

/** To the line of the drop; the pod's own line of the SYN does not count. */
function attempt(follower: Follower, client: Pod, server: Pod, port: number): Promise<number> {
  const shape = new RegExp(`:${port} .*DROPPED \\(TCP Flags: SYN\\)$`)
  return follower.after(shape, () => connect(client, server, port))
}

function connect(client: Pod, server: Pod, port: number): Promise<number> {
  return connectTime(client, `http://${server.ipv4}:${port}/`, ATTEMPT_SECONDS)
}

/** One after the other, a second from start to start: what one leaves behind is not taken for the next. */
async function repeat(measure: (n: number) => Promise<number>, times = TIMES): Promise<number[]> {
  const all: number[] = []
  for (let n = 0; n < times; n++) {
    const pause = sleep(APART_MS)
    all.push(await measure(n))
    await pause
  }
  return all
}

function told(found: Record<string, number[]>): number {
  notes.length = 0
  for (const [event, times] of Object.entries(found)) {
    notes.push(`${event}: median ${Math.round(median(times))} ms, maximum ${Math.round(Math.max(...times))} ms`)
  }
  notes.push(`load average of the machine: ${loadavg()[0]!.toFixed(1)} on ${cpus().length} cores`)
  return Math.max(...Object.values(found).map(median))
}
