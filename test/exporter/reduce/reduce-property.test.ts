/**
 * reduce-property.test.ts - any bytes and any names: nothing throws, and the series have exactly the counts of the records.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { type Inventory, parseInventory } from '../../../src/datapath/inventory/inventory.js'
import { entitiesOf } from '../../../src/datapath/inventory/inventory-entities.js'
import { Decoder } from '../../../src/datapath/record/decode.js'
import { Packet } from '../../../src/datapath/record/packet.js'
import { KernelReasons } from '../../../src/datapath/record/reasons.js'
import { RecordingReader } from '../../../src/datapath/source/recording-reader.js'
import { Replay } from '../../../src/datapath/source/replay.js'
import { render } from '../../../src/exporter/exposition/text.js'
import { Reducer } from '../../../src/exporter/reduce/reduce.js'
import { SelfMetrics } from '../../../src/exporter/reduce/self.js'
import { SeriesStore } from '../../../src/exporter/series/series.js'
import { frame, patched, WEIR_DROP_RECORD, WEIR_TRACE_RECORD } from '../../support/records.js'
import { Samples } from '../../support/samples.js'

const SEED = 20_260_103
const OPTIONS = { seed: SEED, numRuns: 300 }
const INVENTORY = parseInventory(readFileSync('examples/inventory.json', 'utf8'), 'inventory.json')
const CILIUM = recordsOf('examples/records.pcap')

/** Offset of the extension, its number of packed counters, and the end of its counts (bpf/weir.h). */
const TRACE_EXT = 56
const TRACE_COUNTERS = 16
const TRACE_COUNTS_END = TRACE_EXT + 176
const DROP_EXT = 48
const DROP_COUNTS_END = DROP_EXT + 16

function recordsOf(path: string): Buffer[] {
  const reader = new RecordingReader(path)
  const records: Buffer[] = []
  while (reader.next()) {
    const start = reader.view.byteOffset + reader.at
    records.push(Buffer.from(reader.view.buffer.slice(start, start + reader.size)))
  }
  return records
}

function exporter(inventory: Inventory, live: boolean) {
  const entities = entitiesOf(inventory)
  const store = new SeriesStore({ budget: 50 })
  const reducer = new Reducer(store, entities, new KernelReasons([]), live)
  const decoder = new Decoder()
  const self = new SelfMetrics(store, '0', '0')
  const page = () => {
    self.records(decoder, reducer, entities)
    return Samples.parse(render(store).toString())
  }
  return { reducer, decoder, page }
}

/** The counts of Weir records, read from their bytes alone. */
interface Sums {
  packets: number
  bytes: number
  dropped: number
  droppedBytes: number
}

function addCounts(record: Buffer, sums: Sums): void {
  if (record[0] === 4) {
    for (let i = 0; i < TRACE_COUNTERS; i++) {
      const counter = record.readBigUInt64LE(TRACE_EXT + 8 * i)
      sums.packets += Number(counter >> 40n)
      sums.bytes += Number(counter & 0xff_ffff_ffffn)
    }
  } else {
    sums.dropped += Number(record.readBigUInt64LE(DROP_EXT))
    sums.droppedBytes += Number(record.readBigUInt64LE(DROP_EXT + 8))
  }
}

function sumsOf(page: Samples): Sums {
  const flow = (name: string, verdict: string) => page.sum(name, { verdict }) + overflow(page, name, verdict)
  return {
    packets: flow('weir_flow_packets_total', 'FORWARDED'),
    bytes: flow('weir_flow_bytes_total', 'FORWARDED'),
    dropped: page.sum('weir_drop_packets_total'),
    droppedBytes: page.sum('weir_drop_bytes_total'),
  }
}

/** The overflow series has no verdict: drops without a DROPPED series of their own are in it, the rest was forwarded. */
function overflow(page: Samples, name: string, verdict: string): number {
  if (verdict === 'DROPPED') return 0
  const drops = page.sum(name.replace('flow', 'drop'))
  return page.sum(name, { otel_metric_overflow: 'true' }) - (drops - page.sum(name, { verdict: 'DROPPED' }))
}

const byte = fc.integer({ min: 0, max: 255 })
/** Any counts, then any bytes. The counts are small enough for exact sums. */
const ownTrace = fc.tuple(
  fc.uint8Array({ minLength: TRACE_COUNTS_END - TRACE_EXT, maxLength: TRACE_COUNTS_END - TRACE_EXT }),
  fc.uint8Array({ minLength: 56, maxLength: 56 }),
)
const trace = ownTrace.map(([counts, rest]) => {
  const record = Buffer.from(WEIR_TRACE_RECORD)
  record.set(counts, TRACE_EXT)
  record.set(rest, TRACE_COUNTS_END)
  return record
})
const drop = fc
  .tuple(fc.maxSafeNat(), fc.maxSafeNat(), fc.uint8Array({ minLength: 56, maxLength: 56 }))
  .map(([packets, bytes, rest]) => {
    const record = Buffer.from(WEIR_DROP_RECORD)
    const counted = BigInt(packets) >> 8n
    record.writeBigUInt64LE(counted, DROP_EXT)
    // A record without packets is a sample and counts no bytes either.
    record.writeBigUInt64LE(counted === 0n ? 0n : BigInt(bytes) >> 8n, DROP_EXT + 8)
    record.set(rest, DROP_COUNTS_END)
    return record
  })
/** Real records, truncated or with some bytes changed. */
const damaged = fc
  .tuple(
    fc.constantFrom(...CILIUM.slice(0, 300), WEIR_TRACE_RECORD, WEIR_DROP_RECORD),
    fc.array(fc.tuple(fc.nat(120), byte), { maxLength: 6 }),
    fc.option(fc.nat(300)),
  )
  .map(([record, changes, length]) => {
    let changed = record
    for (const [at, value] of changes) if (at < record.length) changed = patched(changed, at, value)
    return length === null ? changed : changed.subarray(0, length)
  })
const anything = fc.uint8Array({ maxLength: 400 }).map(bytes => Buffer.from(bytes))

t.test('the packets, bytes and drops of records are in the series, whatever their other fields', async t => {
  const tries = fc.property(fc.array(fc.oneof(trace, drop), { maxLength: 30 }), fc.boolean(), (records, live) => {
    const { decoder, reducer, page } = exporter(INVENTORY, live)
    const batch = Buffer.concat(records.map(frame))
    decoder.decode(batch, batch.length, reducer)
    const sent: Sums = { packets: 0, bytes: 0, dropped: 0, droppedBytes: 0 }
    for (const record of records) addCounts(record, sent)
    const got = page()
    const sizes = { packets: got.sum('weir_packet_size_bytes_count'), bytes: got.sum('weir_packet_size_bytes_sum') }
    return isDeepStrictEqual(sumsOf(got), sent) && isDeepStrictEqual({ ...sent, ...sizes }, sent)
  })
  t.doesNotThrow(() => fc.assert(tries, OPTIONS), `seed ${SEED}`)
})

t.test('every record, damaged or whole, counts once: as counted, ignored, unread or a decode fault', async t => {
  const records = fc.array(fc.oneof(damaged, anything, trace, drop), { maxLength: 40 })
  const tries = fc.property(records, fc.boolean(), (records, live) => {
    const { decoder, reducer, page } = exporter(INVENTORY, live)
    const batch = Buffer.concat(records.map(frame))
    decoder.decode(batch, batch.length, reducer)
    const got = page()
    const expected = expectedOf(records)
    return (
      got.sum('weir_records_total') + got.sum('weir_decode_faults_total') === records.length &&
      got.series('weir_records_total').every(({ value }) => value >= 0) &&
      got.sum('weir_policy_verdicts_total') === expected.verdicts &&
      got.sum('weir_records_total', { result: 'unread' }) === expected.unread
    )
  })
  t.doesNotThrow(() => fc.assert(tries, OPTIONS), `seed ${SEED}`)
})

/** Of the Cilium records: policy verdicts with an IP packet, and records without one (unknown extensions apart). */
function expectedOf(records: readonly Buffer[]): { verdicts: number; unread: number } {
  const packet = new Packet()
  const expected = { verdicts: 0, unread: 0 }
  const isReadable = (r: {
    view: DataView
    packetAt: number
    packetLength: number
    l3Device: boolean
    extVersion: number
  }) => {
    packet.parse(r.view, r.packetAt, r.packetLength, r.l3Device)
    return packet.ipVersion !== 0
  }
  const decoder = new Decoder()
  const batch = Buffer.concat(records.map(frame))
  const count = (record: Parameters<typeof isReadable>[0] & { hasExtension: boolean }) => {
    if (!record.hasExtension && !isReadable(record)) expected.unread++
  }
  decoder.decode(batch, batch.length, {
    trace: count,
    drop: count,
    verdict: record => {
      count(record)
      if (isReadable(record)) expected.verdicts++
    },
  })
  return { ...expected, unread: expected.unread - decoder.extensionsUnknown }
}

t.test('any bytes, as a batch or as a recording, are handled without an exception', async t => {
  const path = join(t.testdir({}), 'any.pcap')
  const header = readFileSync('examples/records.pcap').subarray(0, 24)
  const bytes = fc.oneof(
    anything,
    fc.array(damaged, { maxLength: 10 }).map(records => Buffer.concat(records.map(frame))),
  )
  const tries = fc.property(bytes, fc.nat(500), fc.boolean(), (batch, length, live) => {
    const { decoder, reducer, page } = exporter(INVENTORY, live)
    decoder.decode(batch, length, reducer)
    writeFileSync(path, Buffer.concat([header, batch]))
    new Replay(path).run(decoder, reducer)
    page()
  })
  t.doesNotThrow(() => fc.assert(tries, OPTIONS), `seed ${SEED}`)
})

t.test('any names give a page that parses, with the same sums', async t => {
  const name = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 }).map(units => String.fromCharCode(...units)),
    fc.constantFrom('"', '\\', '\n', '\\"', '}', '{a="b"} 1', '', '\u{1F980}', '\ud800'),
  )
  const endpoint = fc.record({ namespace: name, pod: name, workload: fc.record({ kind: name, name }) })
  const tries = fc.property(fc.array(endpoint, { minLength: 1, maxLength: 20 }), fc.nat(19), (names, other) => {
    const endpoints = names.map((found, i) => ({ ...found, ips: [`10.0.0.${i}`], identity: 1000 + i }))
    const { decoder, reducer, page } = exporter(parseInventory(JSON.stringify({ endpoints }), 'any names'), false)
    for (let i = 0; i < names.length; i++) {
      const record = patched(
        patched(WEIR_TRACE_RECORD, TRACE_EXT + 176 + 12, 10, 0, 0, i),
        TRACE_EXT + 192,
        ...mapped(other),
      )
      const batch = frame(record)
      decoder.decode(batch, batch.length, reducer)
    }
    const one: Sums = { packets: 0, bytes: 0, dropped: 0, droppedBytes: 0 }
    addCounts(WEIR_TRACE_RECORD, one)
    const { packets, bytes } = sumsOf(page())
    return packets === one.packets * names.length && bytes === one.bytes * names.length
  })
  t.doesNotThrow(() => fc.assert(tries, OPTIONS), `seed ${SEED}`)
})

function mapped(host: number): number[] {
  return [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, host]
}
