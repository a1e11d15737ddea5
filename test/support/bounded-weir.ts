/**
 * bounded-weir.ts - `weir run` with exactly CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, in the namespace of a lab's node.
 *
 * Fail:  an Error with its last output.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { Lab } from '../../src/lab/lab.js'
import { Samples } from './samples.js'
import { until } from './until.js'
import { plainEnvironment } from './weir-process.js'

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const ADDRESS = '127.0.0.1:10961'
const CAPABILITIES = '-all,+bpf,+perfmon,+net_admin'
const START_MS = 30_000

export interface BoundedWeir {
  metrics(): Promise<Samples>
  /** Waits for the exit; returns the code, or null after SIGKILL. */
  stop(signal: NodeJS.Signals): Promise<number | null>
  stderr(): string
}

/** Starts, and resolves when it is attached to `interfaces` interfaces. */
export async function startBounded(
  t: Test,
  lab: Lab,
  interfaces: number,
  args: readonly string[],
): Promise<BoundedWeir> {
  const bounded = ['setpriv', `--bounding-set=${CAPABILITIES}`, `--inh-caps=${CAPABILITIES}`, '--no-new-privs', '--']
  const weir = [process.execPath, MAIN, 'run', '--web.listen-address', ADDRESS, '--hubble.listen-address', 'none']
  const child = spawn('ip', ['netns', 'exec', lab.node.netns, ...bounded, ...weir, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: plainEnvironment(),
  })
  const stderr = collect(child)
  const stop = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null && child.kill(signal)) await once(child, 'close')
    return child.exitCode
  }
  t.teardown(() => stop('SIGKILL'))
  const metrics = async () => {
    const { stdout } = await lab.run('node', ['curl', '-sf', `http://${ADDRESS}/metrics`])
    return Samples.parse(stdout)
  }
  const isAttached = async () => {
    if (child.exitCode !== null) throw new Error(`weir ended with ${child.exitCode}: ${stderr()}`)
    return (await metrics()).get('weir_interfaces_watched', { hook: 'pod' }) === interfaces
  }
  await until(`${interfaces} interfaces are attached`, isAttached, START_MS)
  return { metrics, stop, stderr }
}

function collect(child: ChildProcess): () => string {
  let text = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    text = `${text}${chunk}`.slice(-100_000)
  })
  return () => text
}
