/**
 * replay.test.ts - a recording as a source: its records in order, in slices of any size, up to the first damage.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { Decoder, type RecordSink } from '../../../src/datapath/record/decode.js'
import { RecordingWriter } from '../../../src/datapath/source/recording-writer.js'
import { Replay } from '../../../src/datapath/source/replay.js'
import { DROP_3, patched, TRACE_2, VERDICT_40 } from '../../support/records.js'

const FILE = 'examples/records.pcap'

/** Collects the kind of each record and the time in the recording. */
class Sink implements RecordSink {
  readonly received: string[] = []
  replay: Replay | undefined

  trace = () => this.#add('trace')
  drop = () => this.#add('drop')
  verdict = () => this.#add('verdict')

  #add(kind: string): void {
    this.received.push(`${kind} ${this.replay?.seconds}.${this.replay?.nanoseconds}`)
  }
}

function replayed(path: string, limit?: number) {
  const sink = new Sink()
  const decoder = new Decoder()
  const replay = new Replay(path)
  sink.replay = replay
  const results = [replay.run(decoder, sink, limit)]
  while (!results.at(-1)!.done) results.push(replay.run(decoder, sink, limit))
  return { sink, decoder, replay, results, last: results.at(-1)! }
}

t.test('records are delivered in the order of the file, each with its time', async t => {
  const path = join(t.testdir({}), 'three.pcap')
  const writer = new RecordingWriter(path)
  for (const [i, record] of [TRACE_2, DROP_3, VERDICT_40, patched(TRACE_2, 0, 99)].entries()) {
    writer.append(record, 0, record.length, 1000 + i, 7 * i)
  }
  writer.close()
  const { sink, decoder, last } = replayed(path)
  t.strictSame(sink.received, ['trace 1000.0', 'drop 1001.7', 'verdict 1002.14'])
  t.equal(decoder.faults.type, 1)
  t.strictSame(last, { records: 4, done: true })
})

t.test('slices of any size deliver the same records as one run', async t => {
  const whole = replayed(FILE)
  t.equal(whole.last.records, 1969)
  for (const limit of [1, 7, 1000, 1969, 5000]) {
    const sliced = replayed(FILE, limit)
    t.strictSame(sliced.sink.received, whole.sink.received)
    t.strictSame(sliced.decoder.counts, whole.decoder.counts)
    t.strictSame(sliced.decoder.faults, whole.decoder.faults)
    t.equal(sliced.results.length, Math.floor(1969 / limit) + 1)
  }
})

t.test('a compressed recording delivers the same records', async t => {
  const path = join(t.testdir({}), 'records.pcap.gz')
  writeFileSync(path, gzipSync(readFileSync(FILE)))
  t.strictSame(replayed(path).sink.received, replayed(FILE).sink.received)
})

t.test('a recording without records is done in the first run', async t => {
  const path = join(t.testdir({}), 'none.pcap')
  new RecordingWriter(path).close()
  t.strictSame(replayed(path).results, [{ records: 0, done: true }])
})

t.test(
  'a damaged recording delivers the records before the damage and one line about it, in slices of any size',
  async t => {
    const path = join(t.testdir({}), 'cut.pcap')
    writeFileSync(path, readFileSync(FILE).subarray(0, 5000))
    const whole = replayed(path)
    t.match(whole.last, { done: true, truncatedAt: 4959, damage: `${path}: truncated at byte 4959: ` })
    t.notMatch(whole.last.damage!, /\n/)
    const { counts, faults } = whole.decoder
    const counted = [...Object.values(counts), ...Object.values(faults)].reduce((sum, n) => sum + n)
    t.equal(counted, whole.last.records)
    t.ok(counted > 0)
    const sliced = replayed(path, 3)
    t.strictSame(sliced.last, whole.last)
    t.strictSame(sliced.sink.received, whole.sink.received)
  },
)

t.test('a finished or closed replay returns its last result again', async t => {
  const { replay, last } = replayed(FILE)
  replay.close()
  replay.close()
  t.strictSame(replay.run(new Decoder(), new Sink()), last)
})

t.test('the constructor throws for a file that is not a recording', async t => {
  t.throws(() => new Replay('package.json'), { message: /^package.json: not a recording/ })
  t.throws(() => new Replay('nowhere.pcap'), { code: 'ENOENT' })
})
