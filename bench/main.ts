/**
 * main.ts - runs the benchmarks and prints each value with its limit and the recorded peer.
 *
 * In:    names of cases (none: all), --json, and options of the cases themselves (--peers).
 * Out:   one line per case; with --json one JSON object per line.
 * Fail:  an unknown case: exit 2. A case that cannot run prints the reason; the others still run, then exit 1.
 * Never: fails because a machine is slow. Times depend on the machine, so compare both sides on the same one.
 * Several cases run in a process each: V8's type feedback from one case would slow the next.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import type { Case } from './case.js'

const CASES = [
  'packet',
  'decode',
  'reduce',
  'reduce-workload',
  'reduce-weir',
  'observe',
  'flow-buffer',
  'scrape',
  'stall',
  'memory',
  'churn',
  'otlp',
  'throughput',
  'pump',
  'load',
  'kubernetes',
  'auth',
  'follow',
] as const

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

const flags = process.argv.slice(2).filter(word => word.startsWith('--'))
const requested = process.argv.slice(2).filter(word => !word.startsWith('--'))
const unknown = requested.filter(name => !CASES.some(known => known === name))
if (unknown.length > 0) {
  process.stderr.write(`bench: unknown case ${unknown.join(', ')}; expected one of ${CASES.join(', ')}\n`)
  process.exit(2)
}

const names = requested.length > 0 ? requested : CASES
if (names.length === 1) await measure(names[0]!)
else for (const name of names) await measureApart(name)

async function measure(name: string): Promise<void> {
  // Exit instead of dying by the signal: cases remove their namespaces and processes in exit handlers.
  for (const signal of STOP_SIGNALS) process.once(signal, () => process.exit(128 + constants.signals[signal]))
  const print = flags.includes('--json') ? printJson : printLine
  try {
    const found = await load(name)
    print(found, await found.run())
  } catch (error) {
    process.stderr.write(`bench ${name}: ${error instanceof Error ? error.message : error}\n`)
    process.exitCode = 1
  }
}

async function measureApart(name: string): Promise<void> {
  const own = [...process.execArgv, process.argv[1]!, name, ...flags]
  const child = spawn(process.execPath, own, { stdio: 'inherit' })
  const end = (signal: NodeJS.Signals) => child.kill(signal)
  for (const name of STOP_SIGNALS) process.once(name, end)
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  for (const name of STOP_SIGNALS) process.off(name, end)
  if (signal !== null || (code ?? 0) > 128) process.exit(code ?? 1)
  if (code !== 0) process.exitCode = 1
}

async function load(name: string): Promise<Case> {
  const file = new URL(`./${name}.ts`, import.meta.url)
  if (!existsSync(file)) throw new Error(`bench/${name}.ts is missing`)
  return (await import(`./${name}.js`)) as Case
}

function printJson({ name, unit, limit, peer }: Case, value: number): void {
  process.stdout.write(`${JSON.stringify({ case: name, value: round(value), unit, limit, peer })}\n`)
}

function printLine(found: Case, value: number): void {
  const { name, unit, peer, peerValue, notes = [] } = found
  const ratio = peerValue === undefined ? '' : `${better(found, value, peerValue).toFixed(1)} x `
  const columns = [name.padEnd(11), `${round(value)} ${unit}`.padStart(18), verdict(found, value).padEnd(24)]
  process.stdout.write(
    `${columns.join('  ')}${peer === undefined ? '' : `${ratio}(peer: ${peer})`}\n`.trimEnd().concat('\n'),
  )
  for (const note of notes) process.stdout.write(`             ${note}\n`)
}

function better({ more }: Case, value: number, peerValue: number): number {
  return more === true ? value / peerValue : peerValue / value
}

function verdict({ limit, more }: Case, value: number): string {
  if (limit === undefined) return ''
  const kept = more === true ? value >= limit : value <= limit
  return `limit ${limit}, ${kept ? 'kept' : 'NOT KEPT'}`
}

/** Three significant digits. */
function round(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3))
}
