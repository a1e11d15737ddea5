/**
 * weir-process.ts - a real `weir run` for a test: started, scraped, stopped.
 *
 * In:    the command's arguments, beside the listening address.
 * Out:   its URL, pid and words, and its /metrics as samples.
 * Fail:  an Error that names what did not happen, with what Weir said on stderr.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Samples } from './samples.js'

export interface WeirProcess {
  /** http://127.0.0.1:PORT */
  readonly url: string
  readonly pid: number
  readonly process: ChildProcess
  /** Milliseconds from the start of the process until it was ready. */
  readonly readyMs: number
  /** All it said so far, the last MiB of it. */
  stderr(): string
  /** Scrape /metrics. */
  metrics(): Promise<Samples>
  /** Sends a signal, SIGTERM by default, and waits for the exit. Calling it twice is fine. */
  stop(signal?: NodeJS.Signals): Promise<Ending>
}

export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const START_DEADLINE_MS = 20_000
/** 200 interfaces take 9 s. */
const ATTACH_DEADLINE_MS = 20_000
const STOP_DEADLINE_MS = 10_000
const SCRAPE_DEADLINE_MS = 20_000
const STDERR_CHARACTERS = 1 << 20

/** Start `weir run` on a free port and wait until it is ready, and attached to all interfaces if it has any. */
export async function startWeir(args: readonly string[]): Promise<WeirProcess> {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: run make build first`)
  // The default address is one for the whole machine, and tests run side by side.
  const api = args.includes('--hubble.listen-address') ? [] : ['--hubble.listen-address', 'none']
  const argv = [MAIN, 'run', '--web.listen-address', '127.0.0.1:0', ...api, ...args]
  const start = performance.now()
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'pipe'], env: plainEnvironment() })
  const killed = (): boolean => child.kill('SIGKILL')
  process.once('exit', killed)
  const ended = new Promise<Ending>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  ended.then(() => process.off('exit', killed)).catch(() => undefined)
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    said = `${said}${chunk}`.slice(-STDERR_CHARACTERS)
  })
  const stderr = (): string => said
  try {
    const url = await readyUrl(child, stderr)
    const readyMs = performance.now() - start
    await attached(stderr)
    const stop = (signal: NodeJS.Signals = 'SIGTERM'): Promise<Ending> => end(child, ended, signal, stderr)
    return { url, pid: child.pid ?? 0, process: child, readyMs, stderr, metrics: () => scrape(url, stderr), stop }
  } catch (reason) {
    child.kill('SIGKILL')
    await ended.catch(() => undefined)
    throw reason
  }
}

/** A runner's NODE_OPTIONS would load its hooks into Weir too. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, NODE_V8_COVERAGE: __, ...rest } = process.env
  return rest
}

async function readyUrl(child: ChildProcess, stderr: () => string): Promise<string> {
  const deadline = Date.now() + START_DEADLINE_MS
  for (; ; await sleep(10)) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`weir ended with ${child.exitCode ?? child.signalCode} before it was ready:\n${stderr()}`)
    }
    const url = listeningUrl(stderr())
    if (url !== undefined && (await isReady(url))) return url
    if (Date.now() < deadline) continue
    throw new Error(
      `weir is not ${url === undefined ? 'listening' : 'ready'} after ${START_DEADLINE_MS} ms:\n${stderr()}`,
    )
  }
}

/** A busy machine may be ready before; a recording, and a log without this line, have nothing to wait for. */
async function attached(stderr: () => string): Promise<void> {
  const deadline = Date.now() + ATTACH_DEADLINE_MS
  const pending = () => /watching interfaces/.test(stderr()) && !/interfaces covered|attach failed/.test(stderr())
  while (pending() && Date.now() < deadline) await sleep(10)
}

/** The log line that says where it listens; a half-written one has no end yet. */
export function listeningUrl(said: string): string | undefined {
  const lines = said.split('\n').slice(0, -1)
  const line = lines.find(line => /\bmsg"?[=:]"?listening"?([\s,}]|$)/.test(line))
  return line === undefined ? undefined : /\burl"?[=:]"?([^\s"]+)/.exec(line)?.[1]
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/-/ready`, { signal: AbortSignal.timeout(SCRAPE_DEADLINE_MS) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    // Refused or not answered: asked again until the deadline, which says so.
    return false
  }
}

async function scrape(url: string, stderr: () => string): Promise<Samples> {
  const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(SCRAPE_DEADLINE_MS) })
  const text = await response.text()
  if (!response.ok) throw new Error(`/metrics: ${response.status} ${text}\n${stderr()}`)
  return Samples.parse(text)
}

async function end(
  child: ChildProcess,
  ended: Promise<Ending>,
  signal: NodeJS.Signals,
  stderr: () => string,
): Promise<Ending> {
  child.kill(signal)
  const late = new AbortController()
  const ending = await Promise.race([
    ended,
    sleep(STOP_DEADLINE_MS, undefined, { signal: late.signal }).catch(() => undefined),
  ])
  late.abort()
  if (ending !== undefined) return ending
  child.kill('SIGKILL')
  await ended
  throw new Error(`weir is still running ${STOP_DEADLINE_MS} ms after ${signal}:\n${stderr()}`)
}
