/**
 * ring.test.ts - records from the kernel: the perf ring and its watermark, and tables flushed by a program.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import type { BpfObject } from '../../../src/datapath/source/native.js'
import { MAX_FRAME } from '../../../src/datapath/source/native.js'
import { compile, load, packets, pair, ROOT } from '../../support/native.js'
import { drainAll, FRAME, numbers, PACKET, turns } from '../../support/native-ring.js'

// A test run writes to the ring of its CPU. With one CPU, a test knows how many records reach the watermark.
const [cpu] = readFileSync('/proc/self/status', 'utf8').match(/(?<=Cpus_allowed_list:\s*)\d+/)!
execFileSync('taskset', ['-pc', cpu, String(process.pid)])

/** Bytes of a frame in the ring: perf_event_header comes before it. */
const SAMPLE = 8 + FRAME

t.test('the ring', ROOT, async t => {
  const path = compile(t)

  t.test('delivers every record once and whole, with a buffer of any size', async t => {
    const object = load(t, path)
    object.openRing('events', 64)
    for (const room of [MAX_FRAME, MAX_FRAME + 8, 10_000, 1 << 20]) {
      object.testRun('count_in', PACKET, 5_000)
      const found = numbers(t, drainAll(object, room))
      t.equal(found.length, 5_000)
      t.equal(new Set(found).size, 5_000)
    }
    t.equal(object.ringLost(), 0)
    t.throws(() => object.drain(new Uint8Array(MAX_FRAME - 1)), { code: 'EINVAL', message: /2048/ })
  })

  t.test('has the packets of a real interface', async t => {
    const near = pair(t, 'ring')
    const object = load(t, path)
    object.openRing('events', 8)
    await object.attachInterface(near.path, near.ifindex, 'count_in', 'count_out', 'auto')
    near.ping(20)
    t.equal(numbers(t, drainAll(object, 65536)).length, 40)
  })

  t.test('counts records that did not fit, and goes on', async t => {
    const object = load(t, path)
    object.openRing('events', 8)
    object.testRun('count_in', PACKET, 3_000)
    const fitted = numbers(t, drainAll(object, 65536)).length
    t.ok(fitted < 3_000 && fitted >= Math.floor(32_768 / SAMPLE) - 1, `${fitted} of 3000`)
    object.testRun('count_in', PACKET, 1)
    t.equal(numbers(t, drainAll(object, 65536)).length, 1)
    t.equal(fitted + object.ringLost(), 3_000)
  })

  t.test('skips a record above the largest frame, and counts it', async t => {
    const object = load(t, path)
    object.openRing('events', 64)
    object.testRun('capture', new Uint8Array(MAX_FRAME), 3)
    object.testRun('count_in', PACKET, 2)
    t.equal(numbers(t, drainAll(object, 65536)).length, 2)
    t.equal(object.ringOversize(), 3)
    object.testRun('capture', new Uint8Array(MAX_FRAME - 64), 1)
    t.equal(drainAll(object, 65536).length, Math.ceil((8 + 4 + 16 + MAX_FRAME - 64) / 8) * 8 - 8)
  })

  t.test('opens once, on a perf event array, with a power of two of pages', async t => {
    const object = load(t, path)
    t.throws(() => object.drain(new Uint8Array(65536)), { code: 'EBADF', message: /no ring/ })
    t.throws(() => object.onRing(() => {}), { code: 'EBADF' })
    t.throws(() => object.openRing('events', 3), { code: 'EINVAL', message: /3 pages/ })
    t.throws(() => object.openRing('flows', 8), { code: 'EINVAL' })
    t.throws(() => object.openRing('absent', 8), { code: 'ENOENT', message: /'absent'/ })
    object.openRing('events', 8)
    t.throws(() => object.openRing('events', 8), { code: 'EEXIST' })
  })
})

t.test('a listener', ROOT, async t => {
  const path = compile(t)
  const half = Math.ceil(16_384 / SAMPLE)

  t.test('is called once at the start and once at the watermark', async t => {
    const object = load(t, path)
    object.openRing('events', 8)
    const into = new Uint8Array(65536)
    let calls = 0
    let records = 0
    object.onRing(() => {
      calls++
      records += object.drain(into) / FRAME
    })
    await turns(50)
    t.equal(calls, 1, 'at the start')
    object.testRun('count_in', PACKET, Math.floor(half / 4))
    await turns(50)
    t.equal(calls, 1, 'below the watermark')
    object.testRun('count_in', PACKET, half)
    await turns(200)
    t.equal(calls, 2, 'above the watermark')
    t.equal(records, Math.floor(half / 4) + half, 'all records drained')
    await turns(200)
    t.equal(calls, 2, 'not for a drained ring')
    object.onRing(undefined)
    object.testRun('count_in', PACKET, 3 * half)
    await turns(50)
    t.equal(calls, 2, 'not after the listener is removed')
  })

  t.test('is called for records that passed the watermark before it was set', async t => {
    const object = load(t, path)
    object.openRing('events', 8)
    object.testRun('count_in', PACKET, 2 * half)
    const bytes = await new Promise<number>(resolve =>
      object.onRing(() => resolve(object.drain(new Uint8Array(65536)))),
    )
    object.onRing(undefined)
    t.ok(bytes > 0)
  })

  t.test('that throws causes an uncaughtException, and microtasks still run', async t => {
    const object = load(t, path)
    object.openRing('events', 8)
    const caught: unknown[] = []
    const onException = (error: unknown) => void caught.push(error)
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', onException)
    let microtasks = 0
    object.onRing(() => {
      object.drain(new Uint8Array(65536))
      queueMicrotask(() => microtasks++)
      throw new Error('from the listener')
    })
    await turns(50)
    object.onRing(undefined)
    process.off('uncaughtException', onException)
    for (const other of others) process.on('uncaughtException', other)
    t.match(caught, [{ message: 'from the listener' }])
    t.equal(microtasks, 1)
  })

  t.test('may close its object', async t => {
    const object = load(t, path)
    object.openRing('events', 8)
    await new Promise<void>(resolve => object.onRing(() => resolve(object.close())))
    await turns(5)
    t.throws(() => object.programs(), { code: 'EBADF' })
  })
})

/** Bytes of a frame that flush_flows writes. */
const FLOW_FRAME = 24

/** Fills `flows` with `count` entries: key i has i + 1 packets and i + 3 bytes. */
function fill(object: BpfObject, count: number): void {
  const keys = Uint32Array.from({ length: count }, (_, i) => i)
  const values = BigUint64Array.from({ length: 2 * count }, (_, i) => BigInt(i % 2 ? (i >> 1) + 3 : (i >> 1) + 1))
  object.update('flows', new Uint8Array(keys.buffer), new Uint8Array(values.buffer), count)
}

const OUTPUT_BYTES = 65_536

/** Flushes until the buffer does not fill up: packets by key, and the number of runs. */
function flushAll(t: Test, object: BpfObject): { found: Map<number, number>; runs: number } {
  const found = new Map<number, number>()
  const into = Buffer.alloc(OUTPUT_BYTES)
  const more = new Uint8Array(4)
  for (let runs = 1; ; runs++) {
    const size = object.flush('flush_flows', 'output', more, into)
    t.equal(size % FLOW_FRAME, 0, 'whole frames')
    for (let at = 0; at < size; at += FLOW_FRAME) {
      const key = into.readUInt32LE(at + 4)
      if (into.readUInt32LE(at) !== FLOW_FRAME - 4 || found.has(key)) t.fail(`frame at ${at}, key ${key}`)
      found.set(key, Number(into.readBigUInt64LE(at + 8)))
    }
    if (more[0] === 0) return { found, runs }
  }
}

t.test('a flush', ROOT, async t => {
  const path = compile(t)

  t.test('reports each of 10,000 entries once, in as many runs as the buffer needs', async t => {
    const object = load(t, path, { sizes: { flows: 10_000 } })
    fill(object, 10_000)
    const { found, runs } = flushAll(t, object)
    t.equal(found.size, 10_000)
    t.ok(
      [...found].every(([key, packets]) => packets === key + 1),
      'with its packets',
    )
    t.equal(runs, Math.ceil(10_000 / Math.floor(OUTPUT_BYTES / FLOW_FRAME)))
    t.strictSame(flushAll(t, object), { found: new Map(), runs: 1 }, 'nothing left to report')
    fill(object, 3)
    t.equal(flushAll(t, object).found.size, 3)
  })

  t.test('reports its errors', async t => {
    const object = load(t, path)
    const [argument, into] = [new Uint8Array(4), new Uint8Array(OUTPUT_BYTES)]
    const flush = (program: string, from: string, room = into) => object.flush(program, from, argument, room)
    t.throws(() => flush('flush_flows', 'output', into.subarray(1)), { code: 'ENOBUFS', message: /65536/ })
    t.throws(() => flush('absent', 'output'), { code: 'ENOENT', message: /'absent'/ })
    t.throws(() => flush('flush_flows', 'absent'), { code: 'ENOENT', message: /'absent'/ })
    t.throws(() => flush('count_drops', 'output'), { code: /E/, syscall: 'bpf(BPF_PROG_TEST_RUN)' })
    t.throws(() => flush('flush_flows', 'flows'), { code: /E/, syscall: 'mmap' }, 'a map that cannot be mapped')
    t.throws(() => flush('return_too_much', 'output'), { code: 'EPROTO', message: /return_too_much returned 65537/ })
  })

  t.test('leaves other tables alone', async t => {
    const object = load(t, path)
    object.testRun('count_in', PACKET, 10)
    fill(object, 16)
    t.equal(flushAll(t, object).found.size, 16)
    t.equal(packets(object)[0], 10)
  })
})
