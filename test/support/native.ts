/**
 * native.ts - shared by the addon's tests: compiles its test object, reads its counters, makes a veth pair to attach to.
 *
 * Never: leaves a namespace behind: the test's teardown deletes each, also after a failure.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { type BpfObject, loadNative, type ObjectOptions } from '../../src/datapath/source/native.js'

export const native = loadNative()

/** Path of the addon, for processes and threads that load it themselves. */
export const ADDON = fileURLToPath(new URL('../../native/build/Release/weir.node', import.meta.url))

export const ROOT = { skip: process.getuid?.() !== 0 && 'needs root' }

/** Compiles test/fixtures/NAME.bpf.c; returns the path of the object. */
export function compile(t: Test, name = 'native'): string {
  const object = join(t.testdir({}), `${name}.bpf.o`)
  const machine = execFileSync('uname', ['-m'], { encoding: 'utf8' }).trim()
  const flags = ['-g', '-O2', '-target', 'bpf', '-mcpu=v3', `-I/usr/include/${machine}-linux-gnu`]
  execFileSync('clang', [
    ...flags,
    '-c',
    fileURLToPath(new URL(`../fixtures/${name}.bpf.c`, import.meta.url)),
    '-o',
    object,
  ])
  return object
}

/** Loads an object; the test's teardown closes it. */
export function load(t: Test, path: string, options: Partial<ObjectOptions> = {}): BpfObject {
  const object = native.openObject(path, { knobs: {}, sizes: {}, ...options })
  t.teardown(() => object.close())
  return object
}

/** enum slot of native.bpf.c */
export const Slot = { in: 0, out: 1, drops: 2, mark: 3, narrow: 4, wide: 5, size: 6 } as const

/** The `packets` table summed over all CPUs, by slot. */
export function packets(object: BpfObject): number[] {
  const entry = 4 + 8 * native.possibleCpus()
  const table = Buffer.alloc(entry * Slot.size)
  const sums = new Array<number>(object.read('packets', table)).fill(0)
  for (let at = 0; at < table.length; at += entry) {
    const slot = table.readUInt32LE(at)
    for (let cpu = at + 4; cpu < at + entry; cpu += 8) sums[slot]! += Number(table.readBigUInt64LE(cpu))
  }
  return sums
}

/** Two namespaces with a veth between them, on which only the test sends packets. */
export interface Pair {
  readonly path: string
  readonly ifindex: number
  ping(count: number): void
  /** Runs a command, such as ip or tc, in the near namespace. */
  run(...command: string[]): string
}

const exec = (...command: string[]) => execFileSync(command[0]!, command.slice(1), { encoding: 'utf8', stdio: 'pipe' })

/** `near` has interface v0 (192.0.2.1), the other side v1 (192.0.2.2). */
export function pair(t: Test, name: string): Pair {
  const near = `weir-${process.pid}-${name}`
  const far = `${near}-far`
  for (const netns of [near, far]) {
    exec('ip', 'netns', 'add', netns)
    t.teardown(() => exec('ip', 'netns', 'delete', netns))
    // Without IPv6 and ARP only the test's own packets are on the wire, so counts are exact.
    exec('ip', 'netns', 'exec', netns, 'sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1')
  }
  const peer = ['peer', 'name', 'v1', 'address', '02:00:00:00:00:02', 'netns', far]
  exec('ip', '-n', near, 'link', 'add', 'v0', 'address', '02:00:00:00:00:01', 'type', 'veth', ...peer)
  for (const [netns, device, own, other] of [[near, 'v0', 1, 2] as const, [far, 'v1', 2, 1] as const]) {
    exec('ip', '-n', netns, 'address', 'add', `192.0.2.${own}/24`, 'dev', device)
    exec('ip', '-n', netns, 'link', 'set', 'dev', device, 'up')
    exec('ip', '-n', netns, 'neigh', 'add', `192.0.2.${other}`, 'lladdr', `02:00:00:00:00:0${other}`, 'dev', device)
  }
  const run = (...command: string[]) => exec('ip', 'netns', 'exec', near, ...command)
  const [link] = JSON.parse(exec('ip', '-n', near, '-j', 'link', 'show', 'dev', 'v0')) as { ifindex: number }[]
  return {
    path: `/run/netns/${near}`,
    ifindex: link!.ifindex,
    run,
    ping: count => void run('ping', '-q', '-c', String(count), '-i', '0.01', '-W', '0.5', '192.0.2.2'),
  }
}
