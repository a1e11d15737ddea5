/**
 * record-ring.test.ts - the flow buffer: it keeps the latest records whole, reports losses, and never grows.
 */
import fc from 'fast-check'
import t from 'tap'
import { Cursor, type Selection, type Step } from '../../../src/hubble/api/cursor.js'
import { RecordRing } from '../../../src/hubble/api/record-ring.js'

const ALL: Selection = { number: 0, first: false, follow: false, since: undefined, until: undefined }

/** Frames of these sizes, each filled with one byte value: 1, 2, 3 ... */
function frames(...sizes: readonly number[]): Uint8Array {
  const bytes = Buffer.concat(
    sizes.map((size, i) => {
      const frame = Buffer.alloc(4 + size, i + 1)
      frame.writeUInt32LE(size)
      return frame
    }),
  )
  return new Uint8Array(bytes)
}

function contents(ring: RecordRing, sequence: number): Uint8Array {
  return new Uint8Array(ring.view.buffer.slice(ring.at(sequence), ring.at(sequence) + ring.size(sequence)))
}

/** A ring in which the n-th record has the time n seconds. */
function ringOf(capacity: number, records: number): RecordRing {
  const ring = new RecordRing(capacity)
  for (let n = 0; n < records; n++) append(ring, n)
  return ring
}

function append(ring: RecordRing, second: number): void {
  ring.append(frames(12), 16, second, 500)
}

/** The sequence numbers that a cursor returns; a loss is its negative count. */
function selected(ring: RecordRing, selection: Partial<Selection>, isWanted = (_: number) => true): number[] {
  const cursor = new Cursor(ring, n => (isWanted(n) ? n : undefined), { ...ALL, ...selection })
  return remaining(cursor)
}

function remaining(cursor: Cursor<number>): number[] {
  const all: number[] = []
  for (let step: Step<number> = 'more'; step !== 'end' && step !== 'wait'; step = cursor.step()) {
    if (step !== 'more') all.push('found' in step ? step.found : -step.lost)
  }
  return all
}

t.test('the ring keeps the latest records unchanged, whatever their sizes', async t => {
  const batch = fc.array(fc.integer({ min: 1, max: 3000 }), { maxLength: 12 })
  const property = fc.property(fc.array(batch, { maxLength: 60 }), fc.constantFrom(1, 7, 63), (batches, capacity) => {
    const ring = new RecordRing(capacity)
    const model: Uint8Array[] = []
    for (const sizes of batches) {
      const bytes = frames(...sizes)
      ring.append(bytes, bytes.length, 1, 2)
      sizes.forEach((size, i) => {
        model.push(new Uint8Array(size).fill(i + 1))
      })
    }
    if (ring.next !== model.length || ring.seen !== model.length || ring.length > capacity) return false
    for (let n = ring.first; n < ring.next; n++) {
      if (Buffer.compare(contents(ring, n), model[n]!) !== 0) return false
    }
    return ring.length === Math.min(capacity, model.length)
  })
  t.doesNotThrow(() => fc.assert(property))
})

t.test('a large record overwrites several old ones, and none is split or torn', async t => {
  const ring = new RecordRing(511)
  const record = new Uint8Array(60_000)
  for (let n = 0; n < 100; n++) {
    record.fill(n)
    ring.appendRecord(new DataView(record.buffer), 0, record.length, n, 0)
    for (let sequence = ring.first; sequence < ring.next; sequence++) {
      const bytes = contents(ring, sequence)
      if (bytes[0] !== sequence || bytes.at(-1) !== sequence) return t.fail(`record ${sequence} is torn after ${n}`)
    }
  }
  t.equal(ring.length, 4, 'as many as fit into 256 KiB')
  t.equal(ring.seconds(ring.first), 96)
})

t.test('a capacity that is not a power of two minus one is refused', async t => {
  for (const capacity of [0, 2, 4096, 131_071, -1, 1.5, Number.NaN]) {
    t.throws(() => new RecordRing(capacity), RangeError, String(capacity))
  }
})

t.test('an empty record is ignored, and a truncated frame ends its batch', async t => {
  const ring = new RecordRing(7)
  ring.appendRecord(new DataView(new ArrayBuffer(4)), 0, 0, 1, 0)
  t.equal(ring.next, 0)
  ring.append(frames(8, 100), 24, 1, 0)
  t.equal(ring.next, 1)
  t.equal(ring.size(0), 8)
})

t.test('a request without limits returns all records in the ring, but none written later', async t => {
  const ring = ringOf(7, 5)
  const cursor = new Cursor(ring, n => n, ALL)
  append(ring, 5)
  t.strictSame(remaining(cursor), [0, 1, 2, 3, 4])
})

t.test('number counts only wanted records, from the end or from the start', async t => {
  const ring = ringOf(15, 10)
  const even = (n: number) => n % 2 === 0
  t.strictSame(selected(ring, { number: 3 }), [7, 8, 9])
  t.strictSame(selected(ring, { number: 3 }, even), [4, 6, 8])
  t.strictSame(selected(ring, { number: 3, first: true }, even), [0, 2, 4])
  t.strictSame(selected(ring, { number: 100 }), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  t.strictSame(
    selected(ring, { number: 3 }, () => false),
    [],
  )
})

t.test('since and until are inclusive, and since sets the start even with first or number', async t => {
  const ring = ringOf(15, 10)
  const at = (seconds: number, nanoseconds = 500) => ({ seconds, nanoseconds })
  t.strictSame(selected(ring, { since: at(6) }), [6, 7, 8, 9])
  t.strictSame(selected(ring, { since: at(6, 501) }), [7, 8, 9])
  t.strictSame(selected(ring, { since: at(6), until: at(8) }), [6, 7, 8])
  t.strictSame(selected(ring, { since: at(6), until: at(8, 499) }), [6, 7])
  t.strictSame(selected(ring, { since: at(6), number: 2 }), [6, 7])
  t.strictSame(selected(ring, { since: at(6), number: 2, first: true }), [6, 7])
  t.strictSame(selected(ring, { until: at(1) }), [0, 1])
  t.strictSame(selected(ring, { since: at(99) }), [])
})

t.test('a follower starts at the end, or with the last records, and continues', async t => {
  const ring = ringOf(15, 10)
  const cursor = new Cursor(ring, n => n, { ...ALL, follow: true })
  const withLast = new Cursor(ring, n => n, { ...ALL, follow: true, number: 2 })
  t.strictSame(remaining(cursor), [])
  t.strictSame(remaining(withLast), [8, 9])
  append(ring, 10)
  append(ring, 11)
  t.strictSame(remaining(cursor), [10, 11])
  t.strictSame(remaining(withLast), [10, 11], 'number does not limit it')
})

t.test('a slow reader gets one loss with the number of records that it missed', async t => {
  const ring = ringOf(7, 3)
  const cursor = new Cursor(ring, n => n, { ...ALL, follow: true, number: 3 })
  for (let n = 3; n < 30; n++) append(ring, n)
  t.strictSame(remaining(cursor).slice(0, 1), [23], 'rewinding stops at the start of the ring')
  for (let n = 30; n < 50; n++) append(ring, n)
  t.strictSame(remaining(cursor), [-13, 43, 44, 45, 46, 47, 48, 49])
})

t.test('losses before the ring are returned in sequence, whatever the filter', async t => {
  const ring = ringOf(7, 2)
  ring.appendLoss(1234, 2, 0)
  append(ring, 3)
  t.strictSame(
    selected(ring, {}, n => n > 1),
    [-1234, 3],
  )
  t.equal(ring.seen, 3, 'a loss is not a record')
})

t.test('written() resolves at the next write, and when its signal aborts', async t => {
  const ring = new RecordRing(7)
  const stop = new AbortController()
  let resolved = 0
  const written = () => ring.written(stop.signal).then(() => resolved++)
  const two = [written(), written()]
  t.equal(resolved, 0)
  append(ring, 1)
  await Promise.all(two)
  t.equal(resolved, 2)
  const waiting = written()
  await new Promise(setImmediate)
  t.equal(resolved, 2, 'no write since')
  stop.abort()
  await waiting
  await written()
  t.equal(resolved, 4, 'an aborted signal does not wait')
})
