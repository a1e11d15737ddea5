/**
 * main.ts - runs the benchmarks and prints each beside its limit and the recorded peer.
 *
 * In:    names of cases (none: all), --json, and what cases take themselves (--peers).
 * Out:   a line a case; with --json a JSON object a line.
 * Fail:  an unknown case: exit 2. A case that cannot run says why; the others still run, then exit 1.
 * Never: fails because a machine is slow. Times are this machine's; compare both sides.
 */
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
  'otlp',
  'throughput',
  'pump',
  'kubernetes',
  'auth',
  'follow',
] as const

const flags = process.argv.slice(2).filter(word => word.startsWith('--'))
const asked = process.argv.slice(2).filter(word => !word.startsWith('--'))
const unknown = asked.filter(name => !CASES.some(known => known === name))
if (unknown.length > 0) {
  process.stderr.write(`bench: no case ${unknown.join(', ')}; there are ${CASES.join(', ')}\n`)
  process.exit(2)
}

// An exit, not a death by signal: what cases have in namespaces and processes is taken down on exit.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(128 + constants.signals[signal]))
}

const print = flags.includes('--json') ? printJson : printLine
for (const name of asked.length > 0 ? asked : CASES) {
  try {
    const found = await load(name)
    print(found, await found.run())
  } catch (error) {
    process.stderr.write(`bench ${name}: ${error instanceof Error ? error.message : error}\n`)
    process.exitCode = 1
  }
}

async function load(name: string): Promise<Case> {
  const file = new URL(`./${name}.ts`, import.meta.url)
  if (!existsSync(file)) throw new Error(`bench/${name}.ts is missing`)
  return (await import(file.href)) as Case
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

/** Three digits that mean something. */
function round(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3))
}
