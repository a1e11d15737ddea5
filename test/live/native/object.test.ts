/**
 * object.test.ts - a BPF object in the kernel: opened, configured, its tables read and written, closed; and its errors.
 */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import type { ObjectOptions, Refusal } from '../../../src/datapath/source/native.js'
import { ADDON, compile, load, native, packets, ROOT, Slot } from '../../support/native.js'

const PACKET = new Uint8Array(64)
const NONE = { knobs: {}, sizes: {} }

t.test('an object', ROOT, async t => {
  const path = compile(t)

  t.test('is loaded with its knobs set, and runs', async t => {
    const object = load(t, path, { knobs: { mark: 4_000_000_000, narrow: 255, wide: Number.MAX_SAFE_INTEGER } })
    const { ns, returned } = object.testRun('count_knobs', PACKET, 1)
    t.equal(returned, 0)
    t.ok(Number.isInteger(ns))
    t.equal(object.testRun('count_in', PACKET, 1000).returned, -1)
    t.strictSame(packets(object), [1000, 0, 0, 4_000_000_000, 255, Number.MAX_SAFE_INTEGER])
  })

  t.test('keeps the default of a knob that is not set', async t => {
    const object = load(t, path)
    object.testRun('count_knobs', PACKET, 1)
    t.equal(packets(object)[Slot.mark], 7)
  })

  t.test('lists its programs', async t => {
    const programs = load(t, path).programs()
    t.match(
      programs.find(program => program.name === 'count_drops'),
      { id: Number, recursionMisses: 0 },
    )
    t.equal(new Set(programs.map(program => program.id)).size, 7)
  })

  t.test('does not load the programs that are left out', async t => {
    const object = load(t, path, { without: ['count_drops', 'flush_flows'] })
    const names = object.programs().map(({ name }) => name)
    t.equal(names.length, 5)
    t.notOk(names.includes('count_drops') || names.includes('flush_flows'))
    t.equal(object.testRun('count_in', PACKET, 1).returned, -1)
    t.throws(() => object.attachTracing('count_drops'), { message: /count_drops/ })
    t.throws(() => native.openObject(path, { ...NONE, without: ['absent'] }), { code: 'ENOENT', message: /'absent'/ })
    t.throws(() => native.openObject(path, { ...NONE, without: [''] }), { name: 'TypeError' })
  })

  t.test('attaches a tracing program once', async t => {
    const object = load(t, path)
    object.attachTracing('count_drops')
    t.throws(() => object.attachTracing('count_drops'), { code: 'EEXIST', message: /count_drops/ })
    t.throws(() => object.attachTracing('absent'), { code: 'ENOENT', message: /'absent'/ })
  })

  t.test('may be closed twice, and fails afterwards', async t => {
    const object = native.openObject(path, NONE)
    object.openRing('events', 8)
    object.onRing(() => {})
    object.close()
    object.close()
    const calls: [string, () => unknown][] = [
      ['attachTracing', () => object.attachTracing('count_drops')],
      ['attachInterface', () => object.attachInterface(undefined, 1, 'count_in', 'count_out', 'auto')],
      ['repairInterface', () => object.repairInterface(undefined, 1)],
      ['detachInterface', () => object.detachInterface(undefined, 1)],
      ['openRing', () => object.openRing('events', 8)],
      ['drain', () => object.drain(new Uint8Array(65536))],
      ['onRing', () => object.onRing(undefined)],
      ['flush', () => object.flush('flush_flows', 'output', new Uint8Array(4), new Uint8Array(65536))],
      ['read', () => object.read('flows', PACKET)],
      ['update', () => object.update('flows', PACKET, PACKET, 1)],
      ['remove', () => object.remove('flows', PACKET, 1)],
      ['testRun', () => object.testRun('count_in', PACKET, 1)],
      ['programs', () => object.programs()],
    ]
    for (const [syscall, call] of calls) t.throws(call, { code: 'EBADF', syscall }, syscall)
    t.equal(object.ringLost(), 0)
  })
})

t.test('an object that cannot be loaded: the error names the cause', ROOT, async t => {
  const path = compile(t)
  const broken = join(dirname(path), 'broken.bpf.o')
  writeFileSync(broken, 'no object at all')
  t.throws(() => native.openObject('/nowhere/x.bpf.o', NONE), {
    code: 'ENOENT',
    syscall: 'open',
    message: /\/nowhere\/x\.bpf\.o/,
  })
  t.throws(() => native.openObject(broken, NONE), { code: 'ENOEXEC', message: /broken\.bpf\.o/ })

  const cases = [
    [
      { knobs: { absent: 1 }, sizes: {} },
      { code: 'ENOENT', message: /'absent'/ },
    ],
    [
      { knobs: { narrow: 256 }, sizes: {} },
      { code: 'ERANGE', message: /256 does not fit in 'narrow', which has 1 byte$/ },
    ],
    [
      { knobs: { array_knob: 1 }, sizes: {} },
      { code: 'EINVAL', message: /'array_knob'/ },
    ],
    [
      { knobs: { mark: -1 }, sizes: {} },
      { name: 'RangeError', message: /knob mark.*-1/ },
    ],
    [
      { knobs: { mark: 1.5 }, sizes: {} },
      { name: 'RangeError', message: /knob mark.*1\.5/ },
    ],
    [
      { knobs: {}, sizes: { absent: 1 } },
      { code: 'ENOENT', message: /'absent'/ },
    ],
    [
      { knobs: {}, sizes: { flows: 0 } },
      { name: 'RangeError', message: /size flows.*0/ },
    ],
    [
      { knobs: {}, sizes: { flows: 2 ** 32 - 1 } },
      { code: 'E2BIG', syscall: 'bpf(BPF_MAP_CREATE)', message: /flows/ },
    ],
  ] as const
  for (const [options, expected] of cases) t.throws(() => native.openObject(path, options), expected)
})

t.test('the error names the refused program and what the verifier says, in one short line', ROOT, async t => {
  const path = compile(t, 'refused')
  const refusal = (options: Partial<ObjectOptions>): Refusal => {
    try {
      native.openObject(path, { ...NONE, ...options }).close()
    } catch (error) {
      return error as Refusal
    }
    throw new Error('the verifier accepted it')
  }
  const brief = refusal({})
  t.match(brief, { code: 'EACCES', syscall: 'bpf(BPF_PROG_LOAD)', program: 'unbounded' })
  t.match(brief.message, /refused\.bpf\.o: unbounded: invalid access to packet/)
  t.notMatch(brief.message, /\n|processed/)
  t.ok(brief.message.length < 500)
  t.ok(brief.verifierLog.length < 500, 'without the instructions')
  const full = refusal({ verifierLog: true })
  t.equal(full.program, 'unbounded')
  t.match(full.verifierLog, /^0: .*R1=ctx[\s\S]*invalid access to packet/m, 'with the instructions')
})

const key32 = (...keys: number[]) => new Uint8Array(Uint32Array.from(keys).buffer)

t.test('a table', ROOT, async t => {
  const path = compile(t)

  t.test('of 10,000 entries is written, read and emptied in batches', async t => {
    const object = load(t, path, { sizes: { flows: 10_000 } })
    const keys = Uint32Array.from({ length: 10_000 }, (_, i) => i)
    const values = BigUint64Array.from({ length: 20_000 }, (_, i) => BigInt(i))
    object.update('flows', new Uint8Array(keys.buffer), new Uint8Array(values.buffer), 10_000)
    const table = new DataView(new ArrayBuffer(20 * 10_000))
    t.equal(object.read('flows', new Uint8Array(table.buffer)), 10_000)
    const seen = new Set<number>()
    for (let at = 0; at < table.byteLength; at += 20) {
      const key = table.getUint32(at, true)
      if (table.getBigUint64(at + 12, true) === BigInt(2 * key + 1)) seen.add(key)
    }
    t.equal(seen.size, 10_000, 'each key once, with its value')
    t.throws(() => object.read('flows', new Uint8Array(20 * 9_999)), { code: 'ENOBUFS', message: /flows/ })
    const one = [key32(10_000), new Uint8Array(16), 1] as const
    t.throws(() => object.update('flows', ...one), { code: 'E2BIG', message: /flows/ }, 'one too many')
    object.remove('flows', new Uint8Array(keys.buffer), 10_000)
    t.equal(object.read('flows', new Uint8Array(table.buffer)), 0)
  })

  t.test('removes the keys it has, among keys it lacks', async t => {
    const object = load(t, path)
    object.update('flows', key32(1, 2, 3), new Uint8Array(48), 3)
    object.remove('flows', key32(9, 1, 8, 7, 3, 6), 6)
    const table = Buffer.alloc(20 * 16)
    t.equal(object.read('flows', table), 1)
    t.equal(table.readUInt32LE(0), 2)
    object.remove('flows', new Uint8Array(0), 0)
  })

  t.test('of prefixes is written, replaced, read and emptied', async t => {
    const object = load(t, path)
    const prefixes = Buffer.from(
      `${'68000000'}${'00'.repeat(10)}ffff0a000000` + `${'80000000'}${'00'.repeat(10)}ffff0a000001`,
      'hex',
    )
    object.update('prefixes', prefixes, key32(1, 2), 2)
    object.update('prefixes', prefixes.subarray(20), key32(3), 1)
    const table = Buffer.alloc(24 * 8)
    t.equal(object.read('prefixes', table), 2)
    t.strictSame([table.readUInt32LE(20), table.readUInt32LE(44)].sort(), [1, 3])
    const tooLong = Buffer.from(prefixes.subarray(0, 20))
    tooLong.writeUInt32LE(129)
    t.throws(() => object.update('prefixes', tooLong, key32(1), 1), { code: 'EINVAL', message: /prefixes/ })
    object.remove('prefixes', prefixes, 2)
    object.remove('prefixes', prefixes, 2)
    t.equal(object.read('prefixes', table), 0)
  })

  t.test('per CPU has a value for each CPU, padded to 8 bytes', async t => {
    const object = load(t, path)
    const value = Buffer.alloc(16 * native.possibleCpus())
    for (let cpu = 0; cpu < native.possibleCpus(); cpu++) value.writeUInt32LE(100 + cpu, 16 * cpu + 8)
    object.update('uneven', key32(5), value, 1)
    const table = Buffer.alloc(4 + value.length)
    t.equal(object.read('uneven', table), 1)
    t.strictSame(table, Buffer.concat([key32(5), value]))
  })

  t.test('refuses inconsistent sizes and unknown names', async t => {
    const object = load(t, path)
    t.throws(() => object.update('flows', key32(1), new Uint8Array(15), 1), {
      code: 'EINVAL',
      message: /'flows'.*16 bytes.*15/,
    })
    t.throws(() => object.update('flows', key32(1), new Uint8Array(32), 2), {
      code: 'EINVAL',
      message: /'flows'.*4 bytes/,
    })
    t.throws(() => object.remove('flows', key32(1, 2), 1), { code: 'EINVAL', message: /'flows'/ })
    t.throws(() => object.read('absent', new Uint8Array(64)), { code: 'ENOENT', message: /'absent'/ })
    t.throws(() => object.read('flows', [] as unknown as Uint8Array), { name: 'TypeError', message: /read/ })
    t.throws(() => object.testRun('count_in', new Uint8Array(3), 1), {
      code: 'EINVAL',
      syscall: 'bpf(BPF_PROG_TEST_RUN)',
    })
  })
})

t.test('enums are read from the running kernel', ROOT, async t => {
  const reasons = native.kernelEnum('skb_drop_reason')
  t.ok(reasons.some(({ name, value }) => name === 'SKB_DROP_REASON_NETFILTER_DROP' && value > 0))
  t.strictSame(native.kernelEnum('no_such_enum'), [])
  t.ok(native.possibleCpus() >= 1)
})

/** A worker with a ring and a link watch on its loop, which runs until it is terminated. */
const WORKER = `
  const { parentPort, workerData } = require('node:worker_threads')
  const { BpfObject, RtnetlinkWatch } = require(workerData.addon)
  const object = new BpfObject(workerData.path, {}, {})
  object.openRing('events', 8)
  object.onRing(() => parentPort.postMessage(object.drain(new Uint8Array(65536))))
  const links = new RtnetlinkWatch(1)
  links.onReadable(() => links.read(new Uint8Array(65536)))
  object.testRun('count_in', new Uint8Array(64), 600)
`

async function runWorker(t: Test, path: string): Promise<void> {
  const worker = new Worker(WORKER, { eval: true, workerData: { addon: ADDON, path } })
  const bytes = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  t.ok(bytes > 0, 'the ring woke the loop of the worker')
  t.equal(await worker.terminate(), 1)
}

t.test('several workers use the addon at once, and are terminated while they do', ROOT, async t => {
  const path = compile(t)
  const object = load(t, path)
  await Promise.all([runWorker(t, path), runWorker(t, path), runWorker(t, path)])
  t.equal(object.testRun('count_in', PACKET, 1).returned, -1, 'the object of this thread still works')
})

/** Terminates workers while their calls into the addon fail. */
const TERMINATE_FAILING = `
  const { Worker } = require('node:worker_threads')
  const failing = \`
    const { inNamespace } = require(require('node:worker_threads').workerData)
    require('node:worker_threads').parentPort.postMessage('ready')
    for (;;) try { inNamespace('/nowhere', () => 1) } catch {}
  \`
  async function terminateOne() {
    const worker = new Worker(failing, { eval: true, workerData: process.argv[1] })
    await new Promise(resolve => worker.once('message', resolve))
    await worker.terminate()
  }
  (async () => {
    for (let i = 0; i < 5; i++) await terminateOne()
    console.log('terminated')
  })()
`

t.test('terminating a worker during a failing call does not abort the process', async t => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', TERMINATE_FAILING, ADDON], { encoding: 'utf8' })
  t.strictSame([status, stdout], [0, 'terminated\n'], stderr)
})
