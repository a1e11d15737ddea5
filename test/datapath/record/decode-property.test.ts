/**
 * decode-property.test.ts - arbitrary bytes never throw, and every record is delivered, ignored or counted as a fault.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { Decoder, type RecordSink, type RecordWindow } from '../../../src/datapath/record/decode.js'
import { Packet } from '../../../src/datapath/record/packet.js'
import { RecordingReader } from '../../../src/datapath/source/recording-reader.js'
import { Replay } from '../../../src/datapath/source/replay.js'

const RECORDS = recordsOf('examples/records.pcap')

function recordsOf(path: string): Uint8Array[] {
  const reader = new RecordingReader(path)
  const records: Uint8Array[] = []
  while (reader.next()) {
    const start = reader.view.byteOffset + reader.at
    records.push(new Uint8Array(reader.view.buffer.slice(start, start + reader.size)))
  }
  return records
}

/** Calls every getter of a record and parses its packet, so that a read out of bounds throws. */
class Reader implements RecordSink {
  records = 0
  readonly #packet = new Packet()

  trace = (record: RecordWindow) => this.#read(record)
  drop = (record: RecordWindow) => this.#read(record)
  verdict = (record: RecordWindow) => this.#read(record)

  #read(record: RecordWindow): void {
    this.records++
    const end = record.at + record.size
    const packetEnd = record.packetAt + record.packetLength
    if (record.packetLength < 0 || (record.packetLength > 0 && packetEnd > end))
      throw new Error('packet outside the record')
    for (const name of gettersOf(record)) {
      const needsExtension =
        /Ns$|^closed|Entity$|Port$|^proto$|^hook|^initiator|^direction|^state|^timedOut|^namesEnded|^translated|^packets|^bytesDropped|^kernelReason/
      if (record.hasExtension || !needsExtension.test(name)) Reflect.get(record, name)
    }
    const packet = this.#packet
    packet.parse(record.view, record.packetAt, record.packetLength, record.l3Device)
    const addressBytes = packet.ipVersion === 6 ? 16 : 4
    for (const at of [packet.srcAt, packet.dstAt]) {
      if (at >= 0 && at + addressBytes > end) throw new Error('address outside the record')
    }
  }
}

function gettersOf(record: RecordWindow): string[] {
  const own = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(record))
  const header = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(Object.getPrototypeOf(record)))
  return Object.entries({ ...header, ...own }).flatMap(([name, { get }]) => (get === undefined ? [] : [name]))
}

function total(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, n) => sum + n, 0)
}

/** Records and faults by the decoder's counters, after comparing its record counts with the sink's. */
function accounted(decoder: Decoder, reader: Reader): number {
  const { trace, drop, policyVerdict } = decoder.counts
  if (trace + drop + policyVerdict !== reader.records)
    throw new Error('the decoder counted other records than the sink received')
  return total(decoder.counts) + total(decoder.faults)
}

const mutated = fc
  .tuple(fc.constantFrom(...RECORDS), fc.array(fc.tuple(fc.nat(64), fc.nat(255)), { maxLength: 6 }), fc.nat(400))
  .map(([record, changes, length]) => {
    const copy = Uint8Array.from(record)
    for (const [at, value] of changes) if (at < copy.length) copy[at] = value
    return copy.subarray(0, length)
  })

/** Valid types, versions and extensions before arbitrary bytes. */
const typed = fc
  .tuple(fc.constantFrom(1, 4, 5), fc.nat(4), fc.nat(2), fc.uint8Array({ minLength: 16, maxLength: 400 }))
  .map(([type, version, extension, bytes]) => {
    bytes[0] = type
    bytes[14] = version
    bytes[15] = extension
    return bytes
  })

/** Each record with its length before it. */
function batchOf(records: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(records.flatMap(record => [Buffer.from(Uint32Array.of(record.length).buffer), record]))
}

t.test('mutated, truncated and random records in complete frames are each counted once', async () => {
  const records = fc.array(fc.oneof(mutated, typed, fc.uint8Array({ maxLength: 100 })), { maxLength: 20 })
  fc.assert(
    fc.property(records, records => {
      const decoder = new Decoder()
      const reader = new Reader()
      const batch = batchOf(records)
      decoder.decode(batch, batch.length, reader)
      return accounted(decoder, reader) === records.length && decoder.faults.frame === 0
    }),
    { numRuns: 2000 },
  )
})

t.test('a truncated batch loses only its last frame, counted as a fault', async () => {
  fc.assert(
    fc.property(fc.array(typed, { maxLength: 5 }), fc.nat(), (records, cut) => {
      const decoder = new Decoder()
      const reader = new Reader()
      const batch = batchOf(records)
      const length = cut % (batch.length + 1)
      decoder.decode(batch, length, reader)
      let whole = 0
      let end = 0
      for (; whole < records.length && end + 4 + records[whole]!.length <= length; whole++)
        end += 4 + records[whole]!.length
      const partial = length > end ? 1 : 0
      return accounted(decoder, reader) === whole + partial && decoder.faults.frame === partial
    }),
  )
})

t.test('arbitrary bytes as a batch do not throw', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), fc.nat(600), (batch, length) => {
      const decoder = new Decoder()
      const reader = new Reader()
      decoder.decode(batch, length, reader)
      return accounted(decoder, reader) >= Math.min(1, batch.length, length)
    }),
    { numRuns: 2000 },
  )
})

t.test('arbitrary bytes as a recording are refused, or replayed with every record counted', async t => {
  const path = join(t.testdir({}), 'any.pcap')
  const fixture = readFileSync('examples/records.pcap').subarray(0, 4000)
  const changed = fc
    .tuple(fc.array(fc.tuple(fc.nat(fixture.length - 1), fc.nat(255)), { maxLength: 8 }), fc.nat(fixture.length))
    .map(([changes, length]) => {
      const copy = Buffer.from(fixture)
      for (const [at, value] of changes) copy[at] = value
      return copy.subarray(0, length)
    })
  fc.assert(
    fc.property(fc.oneof(changed, fc.uint8Array({ maxLength: 200 })), bytes => {
      writeFileSync(path, bytes)
      let replay: Replay
      try {
        replay = new Replay(path)
      } catch (error) {
        return (error as Error).message.startsWith(`${path}: `)
      }
      const decoder = new Decoder()
      const reader = new Reader()
      const { records, done } = replay.run(decoder, reader)
      return done && accounted(decoder, reader) === records
    }),
    { numRuns: 500 },
  )
})
