/**
 * counters.test.ts - counts that do not come as records, read from the tables of the real object: sums over CPUs,
 *                    differences since the last reading, and nothing lost between a packet and its bytes.
 *
 * No program is attached: the test writes the tables as the programs would, on every CPU.
 */
import t, { type Test } from 'tap'
import { COUNT, COUNTERS, type Counter, OVERFLOW_KEY } from '../../src/datapath/record/abi.js'
import { Counters } from '../../src/datapath/source/counters.js'
import { OBJECT_PATH } from '../../src/datapath/source/kernel-programs.js'
import { type BpfObject, loadNative } from '../../src/datapath/source/native.js'
import type { FlowSink, OverflowKey } from '../../src/datapath/source/source.js'

const NEEDS_ROOT = { skip: process.getuid?.() !== 0 && 'needs root' }
const KEY: OverflowKey = { srcEntity: 3, dstEntity: 2 ** 32 - 1, proto: 6, hook: 1, direction: 0, size: 7, detail: 5 }

/** A loaded object, and the calls of the sink. */
class Tables {
  readonly counters: Counters
  calls: unknown[] = []
  readonly #object: BpfObject
  readonly #cpus: number

  constructor(t: Test) {
    const native = loadNative()
    this.#cpus = native.possibleCpus()
    this.#object = native.openObject(OBJECT_PATH, { knobs: {}, sizes: { connections: 1 } })
    t.teardown(() => this.#object.close())
    this.counters = new Counters(this.#object, this.#cpus)
  }

  /** Sets a counter: 1 packet and 2 bytes on the last CPU, the rest on CPU 0. */
  count(name: Counter, packets: number, bytes: number): void {
    this.#put('counters', u32(COUNTERS.indexOf(name)), packets, bytes)
  }
  overflow(name: OverflowKey, packets: number, bytes: number): void {
    const key = Buffer.alloc(OVERFLOW_KEY.size)
    key.writeUInt32LE(name.srcEntity, OVERFLOW_KEY.srcEntity)
    key.writeUInt32LE(name.dstEntity, OVERFLOW_KEY.dstEntity)
    for (const field of ['proto', 'hook', 'direction', 'detail'] as const) key[OVERFLOW_KEY[field]] = name[field]
    key[OVERFLOW_KEY.size_] = name.size
    this.#put('overflow', key, packets, bytes)
  }
  unnamedDrops(reason: number, packets: number, bytes: number): void {
    this.#put('drops_unnamed', u32(reason), packets, bytes)
  }

  /** Calls of the sink during one reading. */
  read(): unknown[] {
    this.calls = []
    const record = () => t.fail('no record expected')
    const sink: FlowSink = {
      trace: record,
      drop: record,
      verdict: record,
      overflowed: (name, packets, bytes) => this.calls.push(['overflowed', { ...name }, packets, bytes]),
      unnamed: (...numbers) => this.calls.push(['unnamed', ...numbers]),
      unnamedDrops: (...numbers) => this.calls.push(['unnamedDrops', ...numbers]),
    }
    this.counters.read(sink)
    return this.calls
  }

  #put(map: string, key: Uint8Array, packets: number, bytes: number): void {
    const values = Buffer.alloc(this.#cpus * COUNT.size)
    const last = (this.#cpus - 1) * COUNT.size
    const rest = this.#cpus > 1 && packets > 1 && bytes > 2 ? { packets: 1, bytes: 2 } : { packets: 0, bytes: 0 }
    values.writeBigUInt64LE(BigInt(rest.packets), last + COUNT.packets)
    values.writeBigUInt64LE(BigInt(rest.bytes), last + COUNT.bytes)
    values.writeBigUInt64LE(BigInt(packets - rest.packets), COUNT.packets)
    values.writeBigUInt64LE(BigInt(bytes - rest.bytes), COUNT.bytes)
    this.#object.update(map, key, values, 1)
  }
}

function u32(n: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(n)
  return bytes
}

t.test('totals are sums over all CPUs, each with its own name', NEEDS_ROOT, async t => {
  const tables = new Tables(t)
  for (const [i, name] of COUNTERS.entries()) tables.count(name, 10 + i, 2 ** 40 + i)
  tables.read()
  for (const [i, name] of COUNTERS.entries()) {
    t.strictSame(tables.counters.totals[name], { packets: 10 + i, bytes: 2 ** 40 + i }, name)
  }
})

t.test('nothing counted, nothing reported', NEEDS_ROOT, async t => {
  const tables = new Tables(t)
  t.strictSame(tables.read(), [])
  t.strictSame(tables.read(), [])
})

t.test('packets without names are reported once, by hook and direction', NEEDS_ROOT, async t => {
  const tables = new Tables(t)
  tables.count('unnamed_from_pod', 5, 500)
  tables.count('unnamed_uplink_in', 7, 700)
  const first = [
    ['unnamed', 0, 0, 5, 500],
    ['unnamed', 1, 1, 7, 700],
  ]
  t.strictSame(tables.read(), first)
  t.strictSame(tables.read(), [])
  tables.count('unnamed_from_pod', 6, 500)
  t.strictSame(tables.read(), [['unnamed', 0, 0, 1, 0]], 'the packet, before its bytes')
  tables.count('unnamed_from_pod', 6, 560)
  t.strictSame(tables.read(), [['unnamed', 0, 0, 0, 60]], 'its bytes')
})

t.test('the overflow table is reported by differences, with all key fields', NEEDS_ROOT, async t => {
  const tables = new Tables(t)
  const other = { ...KEY, detail: 6 }
  tables.overflow(KEY, 5, 500)
  tables.count('connections_full', 5, 0)
  t.strictSame(tables.read(), [['overflowed', KEY, 5, 500]])
  tables.overflow(KEY, 8, 800)
  tables.overflow(other, 1, 60)
  tables.count('overflows', 4, 0)
  const calls = tables.read()
  t.equal(calls.length, 2)
  for (const expected of [
    ['overflowed', KEY, 3, 300],
    ['overflowed', other, 1, 60],
  ]) {
    t.ok(calls.some(call => JSON.stringify(call) === JSON.stringify(expected)))
  }
  t.strictSame(tables.read(), [])
})

t.test('an entry written after its counter was read is reported by the next reading', NEEDS_ROOT, async t => {
  const tables = new Tables(t)
  tables.count('connections_full', 1, 60)
  t.strictSame(tables.read(), [])
  tables.overflow(KEY, 1, 60)
  t.strictSame(tables.read(), [['overflowed', KEY, 1, 60]])
  tables.count('drops_full', 1, 60)
  t.strictSame(tables.read(), [])
  tables.unnamedDrops(8, 1, 60)
  t.strictSame(tables.read(), [['unnamedDrops', 8, 1, 60]])
  t.strictSame(tables.read(), [])
})

t.test('drops without names are reported by reason', NEEDS_ROOT, async t => {
  const tables = new Tables(t)
  tables.unnamedDrops(2, 3, 180)
  tables.unnamedDrops(511, 4, 240)
  tables.count('drops_full', 7, 420)
  const drops = [
    ['unnamedDrops', 2, 3, 180],
    ['unnamedDrops', 511, 4, 240],
  ]
  t.strictSame(tables.read(), drops)
  tables.count('drops_full', 8, 480)
  tables.unnamedDrops(2, 4, 240)
  t.strictSame(tables.read(), [['unnamedDrops', 2, 1, 60]])
})
