/**
 * counters.test.ts - what the datapath counts beside its records, read from the real object's tables: sums over CPUs,
 * differences since the last time, and nothing lost between a packet and its bytes.
 *
 * No program is attached: the test writes the tables as the programs would, on every CPU.
 */
import t, { type Test } from 'tap'
import { COUNT, COUNTERS, type Counter, OVERFLOW_KEY } from '../../src/datapath/record/abi.js'
import { Counters } from '../../src/datapath/source/counters.js'
import { OBJECT_PATH } from '../../src/datapath/source/live.js'
import { type BpfObject, loadNative } from '../../src/datapath/source/native.js'
import type { FlowSink, OverflowName } from '../../src/datapath/source/source.js'

const NEEDS_ROOT = { skip: process.getuid?.() !== 0 && 'needs root' }
const NAME: OverflowName = { srcEntity: 3, dstEntity: 2 ** 32 - 1, proto: 6, hook: 1, direction: 0, size: 7, detail: 5 }

/** A loaded object and what the sink was told of it. */
class Tables {
  readonly counters: Counters
  told: unknown[] = []
  readonly #object: BpfObject
  readonly #cpus: number

  constructor(t: Test) {
    const native = loadNative()
    this.#cpus = native.possibleCpus()
    this.#object = native.openObject(OBJECT_PATH, { knobs: {}, sizes: { connections: 1 } })
    t.teardown(() => this.#object.close())
    this.counters = new Counters(this.#object, this.#cpus)
  }

  /** The totals of a counter: on CPU 0 all of it but 1 packet and 2 bytes, which are the last CPU's. */
  count(name: Counter, packets: number, bytes: number): void {
    this.#put('counters', u32(COUNTERS.indexOf(name)), packets, bytes)
  }
  spill(name: OverflowName, packets: number, bytes: number): void {
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

  /** What one reading tells. */
  read(): unknown[] {
    this.told = []
    const record = () => t.fail('a table is no record')
    const sink: FlowSink = {
      trace: record,
      drop: record,
      verdict: record,
      overflowed: (name, packets, bytes) => this.told.push(['spilled', { ...name }, packets, bytes]),
      unnamed: (...numbers) => this.told.push(['unnamed', ...numbers]),
      unnamedDrops: (...numbers) => this.told.push(['unnamedDrops', ...numbers]),
    }
    this.counters.read(sink)
    return this.told
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

t.test('totals are sums over all CPUs, each under its own name', NEEDS_ROOT, async t => {
  const tables = new Tables(t)
  for (const [i, name] of COUNTERS.entries()) tables.count(name, 10 + i, 2 ** 40 + i)
  tables.read()
  for (const [i, name] of COUNTERS.entries()) {
    t.strictSame(tables.counters.totals[name], { packets: 10 + i, bytes: 2 ** 40 + i }, name)
  }
})

t.test('nothing counted is nothing told', NEEDS_ROOT, async t => {
  const tables = new Tables(t)
  t.strictSame(tables.read(), [])
  t.strictSame(tables.read(), [])
})

t.test('packets without a name are told once, by hook and direction', NEEDS_ROOT, async t => {
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

t.test('the spill table is told by differences, with the whole name', NEEDS_ROOT, async t => {
  const tables = new Tables(t)
  const other = { ...NAME, detail: 6 }
  tables.spill(NAME, 5, 500)
  tables.count('connections_full', 5, 0)
  t.strictSame(tables.read(), [['spilled', NAME, 5, 500]])
  tables.spill(NAME, 8, 800)
  tables.spill(other, 1, 60)
  tables.count('overflows', 4, 0)
  const told = tables.read()
  t.equal(told.length, 2)
  for (const expected of [
    ['spilled', NAME, 3, 300],
    ['spilled', other, 1, 60],
  ]) {
    t.ok(told.some(line => JSON.stringify(line) === JSON.stringify(expected)))
  }
  t.strictSame(tables.read(), [])
})

t.test('what a program put there after its count was read is told at the next reading', NEEDS_ROOT, async t => {
  const tables = new Tables(t)
  tables.count('connections_full', 1, 60)
  t.strictSame(tables.read(), [])
  tables.spill(NAME, 1, 60)
  t.strictSame(tables.read(), [['spilled', NAME, 1, 60]])
  tables.count('drops_full', 1, 60)
  t.strictSame(tables.read(), [])
  tables.unnamedDrops(8, 1, 60)
  t.strictSame(tables.read(), [['unnamedDrops', 8, 1, 60]])
  t.strictSame(tables.read(), [])
})

t.test('drops without a name are told by reason', NEEDS_ROOT, async t => {
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
