/**
 * redirect-peer.ts - pods whose packets for each other are forwarded by bpf_redirect_peer().
 *
 * In:    pods of a lab.
 * Out:   a TCX link at the tail of each pod's ingress hook; gone when the test is over.
 */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { Lab } from '../../src/lab/lab.js'
import type { Pod } from '../../src/lab/pod.js'

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))

/** Forwards from each pod to the other. Resolves to a function that stops it. */
export async function redirectPeers(t: Test, lab: Lab, [a, b]: readonly [Pod, Pod]): Promise<() => Promise<void>> {
  const folder = t.testdir({})
  const attach = join(folder, 'attach-tcx')
  execFileSync('clang', ['-O2', fixture('attach-tcx.c'), '-o', attach, '-lbpf'])
  const stops: (() => Promise<void>)[] = []
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    const object = join(folder, `${from.name}.o`)
    compile(object, to)
    const attached = lab.spawn('node', [attach, object, from.link, 'ingress', 'tail'])
    stops.push(async () => {
      attached.stdin?.end()
      if (attached.exitCode === null) await once(attached, 'exit')
    })
    if (attached.stdout === null) throw new Error('attach-tcx has no stdout')
    await once(attached.stdout, 'data')
  }
  const stop = async () => {
    for (const each of stops) await each()
  }
  t.teardown(stop)
  return stop
}

function compile(object: string, to: Pod): void {
  const machine = execFileSync('uname', ['-m'], { encoding: 'utf8' }).trim()
  const address = to.ipv4.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0)
  const mac = to.podMac
    .split(':')
    .map(byte => `0x${byte}`)
    .join(',')
  const knobs = [`-DADDRESS=${address}u`, `-DMAC=${mac}`, `-DTARGET=${to.ifindex}`]
  const flags = ['-g', '-O2', '-target', 'bpf', '-mcpu=v3', `-I/usr/include/${machine}-linux-gnu`]
  execFileSync('clang', [...flags, ...knobs, '-c', fixture('redirect-peer.bpf.c'), '-o', object])
}
