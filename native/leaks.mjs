// SPDX-License-Identifier: Apache-2.0
/**
 * leaks.mjs - opens, attaches, drains, flushes and closes in a loop, and checks that nothing leaks.
 *
 *     node native/leaks.mjs OBJECT          file descriptors, kernel programs and maps, resident memory
 *     node native/leaks.mjs OBJECT --asan   a shorter loop in an addon built with AddressSanitizer
 *
 * In:    test/fixtures/native.bpf.c, compiled. Needs root.
 * Out:   one JSON line; exit code 1 when something grows or the sanitizer reports an error.
 * Never: touches native/build: the sanitized addon is built in a temporary directory.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'

const HERE = import.meta.dirname
const ROUNDS = 60
/** Rounds until allocators and caches have reached their size. */
const WARM_UP = 40
/** Growth allowed in 60 rounds: noise of the garbage collector, far below one object a round (an object is > 100 KB). */
const RESIDENT_SLACK = 5 << 20

/** Interface number of v0, one side of a veth pair in a namespace of this test. */
const INDEX = 100

const require = createRequire(import.meta.url)
// Without LD_PRELOAD: ip and tc are not to be sanitized.
const exec = (...command) => execFileSync('env', ['-u', 'LD_PRELOAD', ...command], { encoding: 'utf8' })

/** Makes one of everything the addon offers, and takes every error path that leaves something half made. */
async function round(addon, path, netns, mode) {
  const object = new addon.BpfObject(path, { mark: 9 }, { flows: 1000 })
  const buffer = new Uint8Array(65536)
  object.openRing('events', 8)
  object.onRing(() => object.drain(buffer))
  object.attachTracing('count_drops')
  await object.attachInterface(netns, INDEX, 'count_in', 'count_out', mode)
  await object.checkInterfaces(netns, Int32Array.of(INDEX))
  await object.repairInterface(netns, INDEX)
  await refused(object.attachInterface(netns, INDEX, 'count_in', 'count_drops', mode))
  await refused(object.attachInterface(netns, 999, 'count_in', 'count_out', mode))
  attempt(() => object.attachTracing('count_in'))
  await object.attachPodEnd(1, netns, INDEX, 'count_out')
  await refused(object.attachPodEnd(1, netns, INDEX, 'count_out'))
  await object.detachPodEnd(1)
  await object.attachPodEnd(3, netns, INDEX, 'count_out', 'count_in')
  object.isPodEndAttached(3)
  await object.detachPodEnd(3)
  await refused(object.attachPodEnd(4, netns, 999, 'count_out', 'count_in'))
  await object.attachPodEnd(2, netns, INDEX, 'count_out')
  addon.netnsIds([netns, '/nowhere'])
  await addon.readNamespaces(netns, [netns, '/nowhere'])
  object.update('flows', new Uint8Array(Uint32Array.of(1, 2).buffer), new Uint8Array(32).fill(1), 2)
  object.flush('flush_flows', 'output', new Uint8Array(4), buffer)
  object.read('flows', buffer)
  object.testRun('count_in', new Uint8Array(64), 1000)
  object.drain(buffer)
  for (const { id } of object.programs()) programIds.add(id)
  if (mode === 'tc') await object.detachInterface(netns, INDEX)
  // Closed while it runs.
  object.attachInterface(netns, INDEX, 'count_in', 'count_out', mode).catch(() => undefined)
  object.close()
}

function refusals(addon, path) {
  attempt(() => new addon.BpfObject('/nowhere', {}, {}))
  attempt(() => new addon.BpfObject(import.meta.filename, {}, {}))
  attempt(() => new addon.BpfObject(path, { absent: 1 }, {}))
  attempt(() => new addon.BpfObject(path, {}, { flows: 2 ** 32 - 1 }))
  attempt(() => addon.inNamespace('/nowhere', () => 1))
  addon.kernelEnum('skb_drop_reason')
}

function watch(addon) {
  const links = new addon.RtnetlinkWatch(1)
  links.onReadable(() => links.read(new Uint8Array(65536)))
  links.dump(18, 0)
  links.read(new Uint8Array(65536))
  links.close()
}

function attempt(body) {
  try {
    body()
  } catch {
    return // test/live/native checks the error itself
  }
  throw new Error(`expected an error: ${body}`)
}

async function refused(promise) {
  const fulfilled = await promise.then(
    () => true,
    () => false,
  )
  if (fulfilled) throw new Error('expected a rejection')
}

/** Opens and never closes: the end of the environment has to release everything. */
const ABANDON = `
  const { workerData } = require('node:worker_threads')
  const addon = require(workerData.addon)
  const object = new addon.BpfObject(workerData.path, {}, {})
  object.openRing('events', 8)
  object.onRing(() => object.drain(new Uint8Array(65536)))
  const links = new addon.RtnetlinkWatch(1)
  links.onReadable(() => links.read(new Uint8Array(65536)))
  const { parentPort } = require('node:worker_threads')
  object
    .attachInterface(workerData.netns, ${INDEX}, 'count_in', 'count_out', 'tc')
    .then(() => parentPort.postMessage('ready'))
`

async function abandon(addonPath, path, netns) {
  const worker = new Worker(ABANDON, { eval: true, workerData: { addon: addonPath, path, netns } })
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  await worker.terminate()
}

/** Resources of this process alone: the machine's totals change with other processes. */
function resources() {
  globalThis.gc?.()
  const fds = readdirSync('/proc/self/fd').length
  const maps = readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter(line => line.includes('perf_event')).length
  return { fds, maps, resident: process.memoryUsage.rss() }
}

const settle = () => new Promise(resolve => setTimeout(resolve, 20))

async function loop(addonPath, path, netns, rounds) {
  const addon = require(addonPath)
  const run = async count => {
    for (let i = 0; i < count; i++) {
      await round(addon, path, netns, i % 2 ? 'tc' : 'tcx')
      watch(addon)
      if (i % 10 === 0) refusals(addon, path)
      if (i % 20 === 0) await abandon(addonPath, path, netns)
      await new Promise(resolve => setImmediate(resolve))
    }
    await settle()
    return resources()
  }
  const before = await run(Math.min(WARM_UP, rounds))
  return { before, after: await run(rounds) }
}

/** Kernel IDs of all programs of all objects. */
const programIds = new Set()

/** How many of our programs the kernel still has; it frees some with a delay. */
async function survivors() {
  for (let tries = 0; ; tries++) {
    const alive = JSON.parse(exec('bpftool', 'prog', 'show', '-j')).filter(({ id }) => programIds.has(id)).length
    if (alive === 0 || tries === 100) return alive
    await settle()
  }
}

function filters(netns) {
  const show = direction => exec('ip', 'netns', 'exec', netns, 'tc', 'filter', 'show', 'dev', 'v0', direction)
  return (
    ['ingress', 'egress']
      .map(show)
      .join('')
      .match(/count_/g)?.length ?? 0
  )
}

async function check(addonPath, path, rounds) {
  const name = `weir-${process.pid}-leaks`
  exec('ip', 'netns', 'add', name)
  try {
    exec('ip', '-n', name, 'link', 'add', 'v0', 'index', String(INDEX), 'type', 'veth', 'peer', 'name', 'v1')
    const { before, after } = await loop(addonPath, path, `/run/netns/${name}`, rounds)
    const left = { made: programIds.size, programs: await survivors(), filters: filters(name) }
    console.log(JSON.stringify({ rounds, before, after, left }))
    const grew = after.fds > before.fds || after.maps > before.maps
    const memoryGrew = rounds >= ROUNDS && after.resident > before.resident + RESIDENT_SLACK
    if (grew || memoryGrew || left.programs > 0 || left.filters > 0) process.exitCode = 1
  } finally {
    exec('ip', 'netns', 'delete', name)
  }
}

/** Builds a sanitized addon in a temporary directory, and runs this file again with it. */
function sanitized(path) {
  const directory = mkdtempSync(join(tmpdir(), 'weir-asan-'))
  try {
    // As one file: each file alone takes a second or two to compile the same headers.
    const sources = readdirSync(HERE).filter(file => file.endsWith('.cc'))
    writeFileSync(join(directory, 'all.cc'), sources.map(file => `#include "${join(HERE, file)}"\n`).join(''))
    const flags = part => exec(join(HERE, 'flags.sh'), part).trim().split(' ')
    const sanitize = ['-fsanitize=address', '-fno-omit-frame-pointer', '-g1', '-O1']
    const addon = join(directory, 'weir.node')
    const compiler = [...flags('compile'), ...sanitize, join(directory, 'all.cc'), '-o', addon, ...flags('link')]
    execFileSync('g++', compiler, { stdio: ['ignore', 2, 2] })
    const env = {
      ...process.env,
      LD_PRELOAD: exec('g++', '-print-file-name=libasan.so').trim(),
      // LeakSanitizer of gcc 12 crashes in a Node from 24 on; invalid accesses are found all the same.
      ASAN_OPTIONS: `detect_leaks=${Number.parseInt(process.versions.node, 10) < 24 ? 1 : 0}:exitcode=23`,
      WEIR_ADDON: addon,
    }
    const args = [import.meta.filename, path, '--rounds=4']
    process.exitCode = spawnSync(process.execPath, args, { env, stdio: 'inherit' }).status ?? 1
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const [path, ...flags] = process.argv.slice(2)
const rounds = Number(flags.find(flag => flag.startsWith('--rounds='))?.slice(9) ?? ROUNDS)
if (!path) throw new Error('usage: node native/leaks.mjs OBJECT [--asan] [--rounds=N]')
if (flags.includes('--asan')) sanitized(path)
else await check(process.env.WEIR_ADDON ?? join(HERE, 'build/Release/weir.node'), path, rounds)
