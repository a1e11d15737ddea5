/**
 * follow.ts - milliseconds from a pod's packet to its line in `weir observe --follow`.
 *
 * In:    root; a lab of its own, and the built `weir run` and `weir observe` in processes of their own.
 * Out:   the largest median of all kinds of event; below it median and maximum of each. Measured from the packet's time as
 *        printed by ping or curl (packet-time.ts) until the line is read here, both on the machine's clock.
 * Fail:  an Error that names the line if one does not arrive in time.
 *        A busy machine delays every process on the way, so its load is printed too.
 * Never: leaves the lab, Weir or the follower behind, even on failure.
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
/** Ports blocked on the node: this one for repeated attempts, the TIMES following ones for one attempt each. */
const BLOCKED = 9_000
/** Shorter than TCP's first retransmission timeout, so each attempt sends one SYN. */
const ATTEMPT_SECONDS = 0.5
const NAMESPACE = 'bench'

/** A running command, and the arrival times of its output lines. */
class Follower {
  readonly process: ChildProcess
  #onLine: ((line: string) => void) | undefined

  constructor(args: readonly string[]) {
    this.process = spawn(process.execPath, [MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: plainEnvironment(),
    })
    createInterface({ input: this.process.stdout! }).on('line', line => this.#onLine?.(line))
  }

  /** Milliseconds from the packet time that `act` returns to the first line that matches `shape`. */
  async after(shape: RegExp, act: () => Promise<number>): Promise<number> {
    const shown = new Promise<number>(resolve => {
      this.#onLine = line => shape.test(line) && resolve(Date.now())
    })
    const timer = new AbortController()
    const deadline = sleep(LINE_DEADLINE_MS, undefined, { signal: timer.signal }).catch(() => undefined)
    const [at, sent] = await Promise.all([Promise.race([shown, deadline]), act()])
    timer.abort()
    this.#onLine = undefined
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
    return summarize(await events(lab, follower))
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
    // The first attempt is the first of its port, so it is left out.
    'blocked again, 1 s apart': (await repeat(() => blocked(BLOCKED), TIMES + 1)).slice(1),
  }
}

/** Waits for the drop's line; the pod's own line for the SYN does not match. */
function attempt(follower: Follower, client: Pod, server: Pod, port: number): Promise<number> {
  const shape = new RegExp(`:${port} .*DROPPED \\(TCP Flags: SYN\\)$`)
  return follower.after(shape, () => connect(client, server, port))
}

function connect(client: Pod, server: Pod, port: number): Promise<number> {
  return connectTime(client, `http://${server.ipv4}:${port}/`, ATTEMPT_SECONDS)
}

/** Sequential, one per second, so that late lines of one measurement are not taken for the next. */
async function repeat(measure: (n: number) => Promise<number>, times = TIMES): Promise<number[]> {
  const all: number[] = []
  for (let n = 0; n < times; n++) {
    const pause = sleep(APART_MS)
    all.push(await measure(n))
    await pause
  }
  return all
}

function summarize(found: Record<string, number[]>): number {
  notes.length = 0
  for (const [event, times] of Object.entries(found)) {
    notes.push(`${event}: median ${Math.round(median(times))} ms, maximum ${Math.round(Math.max(...times))} ms`)
  }
  notes.push(`load average of the machine: ${loadavg()[0]!.toFixed(1)} on ${cpus().length} cores`)
  return Math.max(...Object.values(found).map(median))
}
