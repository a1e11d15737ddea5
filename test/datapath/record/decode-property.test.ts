/**
 * decode-property.test.ts - any bytes: nothing throws, and every record is told, ignored or counted as a fault.
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

/** Every getter of a window, so that one that reads out of bounds throws; and its packet. */
class Reader implements RecordSink {
  told = 0
  readonly #packet = new Packet()

  trace = (record: RecordWindow) => this.#read(record)
  drop = (record: RecordWindow) => this.#read(record)
  verdict = (record: RecordWindow) => this.#read(record)

  #read(record: RecordWindow): void {
    this.told++
    const end = record.at + record.size
    const cut = record.packetAt + record.packetLength
    if (record.packetLength < 0 || (record.packetLength > 0 && cut > end)) throw new Error('packet outside its record')
    for (const name of gettersOf(record)) {
      const needsExtension =
        /Ns$|^closed|Entity$|Port$|^proto$|^hook|^initiator|^direction|^state|^timedOut|^namesEnded|^packets|^bytesDropped|^kernelReason/
      if (record.hasExtension || !needsExtension.test(name)) Reflect.get(record, name)
    }
    const packet = this.#packet
    packet.parse(record.view, record.packetAt, record.packetLength, record.l3Device)
    const address = packet.ipVersion === 6 ? 16 : 4
    for (const at of [packet.srcAt, packet.dstAt]) {
      if (at >= 0 && at + address > end) throw new Error('address outside its record')
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

/** All told by the decoder's own counters, which agree with the sink's. */
function accounted(decoder: Decoder, reader: Reader): number {
  const { trace, drop, policyVerdict } = decoder.counts
  if (trace + drop + policyVerdict !== reader.told) throw new Error('counts differ from what was told')
  return total(decoder.counts) + total(decoder.faults)
}

const mutated = fc
  .tuple(fc.constantFrom(...RECORDS), fc.array(fc.tuple(fc.nat(64), fc.nat(255)), { maxLength: 6 }), fc.nat(400))
  .map(([record, changes, length]) => {
    const copy = Uint8Array.from(record)
    for (const [at, value] of changes) if (at < copy.length) copy[at] = value
    return copy.subarray(0, length)
  })

const typed = fc
  .tuple(fc.constantFrom(1, 4, 5), fc.nat(4), fc.nat(2), fc.uint8Array({ minLength: 16, maxLength: 400 }))
  .map(([type, version, extension, bytes]) => {
    bytes[0] = type
    bytes[14] = version
    bytes[15] = extension
    return bytes
  })

/** A batch of frames, and how many. */
function batchOf(records: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(records.flatMap(record => [Buffer.from(Uint32Array.of(record.length).buffer), record]))
}

t.test('mutated, cut and made-up records in whole frames are each accounted for once', async () => {
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

t.test('a batch cut anywhere loses only its last frame, and counts it', async () => {
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

t.test('any bytes as a batch are survived', async () => {
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

t.test('any bytes as a recording are refused, or replayed with every record accounted for', async t => {
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
