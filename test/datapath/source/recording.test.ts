/**
 * recording.test.ts - recordings are read back as written, and damage is reported with its place.
 */
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { Decoder } from '../../../src/datapath/record/decode.js'
import { MAX_RECORD, RecordingReader } from '../../../src/datapath/source/recording-reader.js'
import { RecordingWriter } from '../../../src/datapath/source/recording-writer.js'
import { Replay } from '../../../src/datapath/source/replay.js'

type Read = { bytes: string; seconds: number; nanoseconds: number }

function readAll(path: string): { records: Read[]; damage: RecordingReader['damage'] } {
  const reader = new RecordingReader(path)
  const records: Read[] = []
  while (reader.next()) {
    const bytes = Buffer.from(reader.view.buffer, reader.view.byteOffset + reader.at, reader.size).toString('hex')
    records.push({ bytes, seconds: reader.seconds, nanoseconds: reader.nanoseconds })
  }
  reader.close()
  return { records, damage: reader.damage }
}

/** A pcap file: its header, then records of seconds, fraction of a second and bytes. */
function pcap(magic: number, little: boolean, records: [number, number, number[]][], link = 147): Buffer {
  const u32 = (...values: number[]) => {
    const bytes = Buffer.alloc(values.length * 4)
    for (const [i, value] of values.entries()) bytes[little ? 'writeUInt32LE' : 'writeUInt32BE'](value, i * 4)
    return bytes
  }
  const version = little ? Buffer.from([2, 0, 4, 0]) : Buffer.from([0, 2, 0, 4])
  const header = Buffer.concat([u32(magic), version, u32(0, 0, 65535, link)])
  const body = records.map(([s, f, bytes]) =>
    Buffer.concat([u32(s, f, bytes.length, bytes.length), Buffer.from(bytes)]),
  )
  return Buffer.concat([header, ...body])
}

const NS = 0xa1b23c4d
const US = 0xa1b2c3d4
const TWO: [number, number, number[]][] = [
  [1, 2, [0xaa, 0xbb]],
  [0xfffffffe, 999, [0xcc]],
]

t.test('both magics are read in both byte orders, plain and compressed with gzip', async t => {
  const dir = t.testdir({})
  for (const little of [true, false]) {
    for (const [magic, tick] of [
      [NS, 1],
      [US, 1000],
    ] as const) {
      for (const pack of [(bytes: Buffer) => bytes, (bytes: Buffer) => gzipSync(bytes)]) {
        const path = join(dir, 'r.pcap')
        writeFileSync(path, pack(pcap(magic, little, TWO)))
        t.same(readAll(path), {
          records: [
            { bytes: 'aabb', seconds: 1, nanoseconds: 2 * tick },
            { bytes: 'cc', seconds: 0xfffffffe, nanoseconds: 999 * tick },
          ],
          damage: undefined,
        })
      }
    }
  }
})

t.test("records of any size, in total more than the writer's buffer, are read back as written", async t => {
  const path = join(t.testdir({}), 'w.pcap')
  const writer = new RecordingWriter(path)
  const source = Uint8Array.from({ length: MAX_RECORD + 8 }, (_, i) => i * 7)
  const sizes = [0, 1, MAX_RECORD, 5, MAX_RECORD, MAX_RECORD, MAX_RECORD, MAX_RECORD, 44]
  for (const [i, size] of sizes.entries()) writer.append(source, i % 8, size, i, i * 10)
  t.equal(writer.records, sizes.length)
  writer.close()
  writer.close()
  const { records, damage } = readAll(path)
  t.equal(damage, undefined)
  t.equal(records.length, sizes.length)
  for (const [i, size] of sizes.entries()) {
    const bytes = Buffer.from(source.subarray(i % 8, (i % 8) + size)).toString('hex')
    t.ok(records[i]!.bytes === bytes && records[i]!.seconds === i && records[i]!.nanoseconds === i * 10, `record ${i}`)
  }
})

t.test('flush writes complete records to the file', async t => {
  const path = join(t.testdir({}), 'f.pcap')
  const writer = new RecordingWriter(path)
  t.teardown(() => writer.close())
  writer.append(Uint8Array.of(1, 2, 3), 0, 3, 7, 8)
  t.equal(statSync(path).size, 0)
  writer.flush()
  t.equal(statSync(path).size, 24 + 16 + 3)
})

t.test('the writer refuses a record larger than a perf ring allows, and a path it cannot create', async t => {
  const writer = new RecordingWriter(join(t.testdir({}), 'x.pcap'))
  t.teardown(() => writer.close())
  const bytes = new Uint8Array(MAX_RECORD + 1)
  t.throws(() => writer.append(bytes, 0, bytes.length, 0, 0), { name: 'RangeError', message: 'at most 65536' })
  t.throws(() => new RecordingWriter('/proc/nowhere/x.pcap'), { code: 'ENOENT' })
})

t.test('a file that is not a recording is refused with what it contains instead', async t => {
  const file = (name: string, bytes: Uint8Array) => {
    const path = join(dir, name)
    writeFileSync(path, bytes)
    return path
  }
  const dir = t.testdir({})
  const refused = (bytes: Uint8Array, ...parts: string[]) => {
    const path = file('bad', bytes)
    try {
      new RecordingReader(path)
      t.fail('opened')
    } catch (error) {
      const { message } = error as Error
      for (const part of [path, ...parts]) t.ok(message.includes(part), `${message} contains ${part}`)
      t.notMatch(message, /\n/)
    }
  }
  refused(Buffer.from('not a recording at all ..'), 'magic 0x6e6f7420', '0xa1b23c4d')
  refused(Buffer.concat([Buffer.from('0a0d0d0a', 'hex'), Buffer.alloc(28)]), 'pcapng', 'editcap')
  refused(Buffer.alloc(0), '0 bytes')
  refused(pcap(NS, true, []).subarray(0, 23), '23 bytes')
  refused(pcap(NS, true, [], 1), 'link type 1;', '147')
  refused(pcap(US, false, [], 113), 'link type 113;', '147')
  const corrupt = gzipSync(pcap(NS, true, TWO))
  corrupt[12]! ^= 0xff
  refused(corrupt, 'corrupt gzip')
  t.throws(() => new RecordingReader(join(dir, 'missing')), { code: 'ENOENT' })
})

t.test('a truncated recording yields the records before the truncation, and its place', async t => {
  const path = join(t.testdir({}), 'cut.pcap')
  const whole = pcap(NS, true, TWO)
  for (const [length, records, at] of [
    [whole.length, 2, undefined],
    [whole.length - 1, 1, 42],
    [42 + 16, 1, 42],
    [42 + 15, 1, 42],
    [42, 1, undefined],
    [41, 0, 24],
    [24, 0, undefined],
  ] as const) {
    writeFileSync(path, whole.subarray(0, length))
    const read = readAll(path)
    t.equal(read.records.length, records, `${length} bytes`)
    t.equal(read.damage?.at, at, `${length} bytes`)
    if (at !== undefined) t.match(read.damage?.message, `${path}: truncated at byte ${at}: `)
  }
})

t.test('a truncated gzip stream yields the records that it contains', async t => {
  const path = join(t.testdir({}), 'cut.pcap.gz')
  const packed = readFileSync('bench/fixtures/bench.pcap.gz')
  writeFileSync(path, packed.subarray(0, packed.length >> 1))
  const { records, damage } = readAll(path)
  t.ok(records.length > 1000 && records.length < 20_000, `${records.length} records`)
  t.match(damage?.message, /truncated at byte \d+/)
  writeFileSync(path, packed.subarray(0, packed.length - 8))
  t.equal(readAll(path).records.length, 20_000)
  t.match(readAll(path).damage?.message, /the gzip stream ends early/)
})

t.test('a record larger than the maximum is corruption and ends the recording', async t => {
  const path = join(t.testdir({}), 'big.pcap')
  const bytes = pcap(NS, true, [...TWO, [3, 4, [1]]])
  bytes.writeUInt32LE(MAX_RECORD + 1, 42 + 8)
  writeFileSync(path, bytes)
  const { records, damage } = readAll(path)
  t.equal(records.length, 1)
  t.same(damage, { at: 42, message: `${path}: corrupt at byte 42: a record of 65537 bytes, at most 65536 allowed` })
})

t.test('a replay decodes in slices, and reports where the recording is truncated', async t => {
  const path = join(t.testdir({}), 'cut.pcap')
  const whole = readFileSync('examples/records.pcap')
  writeFileSync(path, whole.subarray(0, 100_000))
  const decoder = new Decoder()
  const sink = { trace() {}, drop() {}, verdict() {} }
  const replay = new Replay(path)
  t.same(replay.run(decoder, sink, 10), { records: 10, done: false })
  const end = replay.run(decoder, sink)
  t.equal(end.done, true)
  t.match(end.damage, `${path}: truncated at byte ${end.truncatedAt}`)
  const counted = Object.values({ ...decoder.counts, ...decoder.faults }).reduce((sum, n) => sum + n)
  t.equal(counted, end.records)
  t.same(replay.run(decoder, sink), end, 'a finished replay returns the same result')
  replay.close()
})

t.test('a gzip bomb is refused, and takes little memory', async t => {
  const path = join(t.testdir({}), 'bomb.pcap.gz')
  writeFileSync(path, gzipSync(Buffer.alloc(400 << 20), { level: 9 }))
  const before = process.memoryUsage().rss
  t.throws(() => new RecordingReader(path), /bomb.pcap.gz: inflates to more than \d+ bytes; gunzip it first/)
  t.ok(process.memoryUsage().rss - before < 200 << 20, `${process.memoryUsage().rss - before} bytes`)
})

t.test('a recording that compresses well is read', async t => {
  const path = join(t.testdir({}), 'w.pcap.gz')
  writeFileSync(
    path,
    gzipSync(
      pcap(
        NS,
        true,
        Array.from({ length: 20_000 }, () => [1, 2, new Array(300).fill(0)]),
      ),
    ),
  )
  t.equal(readAll(path).records.length, 20_000)
})

t.test('a fraction of a second that is a second or more is read as the last nanosecond, and counted', async t => {
  const path = join(t.testdir({}), 'odd.pcap')
  for (const [magic, fraction] of [
    [NS, 1_000_000_000],
    [NS, 0xffff_ffff],
    [US, 1_000_000],
    [US, 0xffff_ffff],
  ] as const) {
    writeFileSync(
      path,
      pcap(magic, true, [
        [5, fraction, [1]],
        [6, 0, [1]],
      ]),
    )
    const reader = new RecordingReader(path)
    reader.next()
    t.strictSame([reader.seconds, reader.nanoseconds], [5, 999_999_999])
    reader.next()
    t.strictSame([reader.seconds, reader.nanoseconds, reader.oddTimes], [6, 0, 1])
    reader.close()
  }
})

t.test('a recording is readable by its owner only, also when the file existed', async t => {
  const path = join(t.testdir({ 'old.pcap': '' }), 'old.pcap')
  chmodSync(path, 0o644)
  new RecordingWriter(path).close()
  t.equal(statSync(path).mode & 0o777, 0o600)
  new RecordingWriter(`${path}.new`).close()
  t.equal(statSync(`${path}.new`).mode & 0o777, 0o600)
  t.doesNotThrow(() => new RecordingWriter('/dev/null').close())
})

t.test('an index gives the places of records, and a seek continues there', async t => {
  const path = join(t.testdir({}), 'many.pcap')
  writeFileSync(
    path,
    pcap(
      NS,
      true,
      Array.from({ length: 10 }, (_, i) => [i, 0, new Array(200_000 / 4).fill(i)]),
    ),
  )
  for (const file of [path, `${path}.gz`]) {
    if (file !== path) writeFileSync(file, gzipSync(readFileSync(path)))
    const replay = new Replay(file)
    const { starts, records, damage } = replay.index(4)
    t.strictSame([starts.length, records, damage], [3, 10, undefined])
    for (const [block, start] of [...starts.entries()].reverse()) {
      replay.seek(start)
      replay.run(new Decoder(), { trace() {}, drop() {}, verdict() {} }, 1)
      t.equal(replay.seconds, 4 * block, file)
    }
    replay.close()
  }
})
