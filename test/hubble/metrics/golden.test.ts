/**
 * golden.test.ts - recorded records give the series that Cilium's Hubble gave for them.
 *
 * In:    examples/records.pcap; metrics-*.config, and metrics-*.prom.gz, which is Hubble's own output.
 */
import t from 'tap'
import {
  differences,
  feed,
  hubbleMetrics,
  parseSeries,
  readFixture,
  recordedRecords,
  seriesOf,
} from '../../support/hubble-metrics.js'

const records = recordedRecords()

for (const n of [1, 2, 3]) {
  t.test(`configuration ${n} gives the series that Hubble gives for the same records`, async t => {
    const want = parseSeries(readFixture(`metrics-${n}.prom.gz`))
    const metrics = hubbleMetrics(readFixture(`metrics-${n}.config`))
    feed(metrics, records)
    t.ok(want.size > 500, `${want.size} series`)
    t.strictSame(differences(want, seriesOf(metrics)), [])
  })

  t.test(`configuration ${n} gives doubled series for the records twice, the second time in reverse order`, async t => {
    const want = parseSeries(readFixture(`metrics-${n}.prom.gz`))
    const metrics = hubbleMetrics(readFixture(`metrics-${n}.config`))
    feed(metrics, [...records, ...records.toReversed()])
    t.strictSame(differences(new Map([...want].map(([text, value]) => [text, value * 2])), seriesOf(metrics)), [])
  })
}

t.test('a missing record is a difference', async t => {
  const want = parseSeries(readFixture('metrics-1.prom.gz'))
  const metrics = hubbleMetrics(readFixture('metrics-1.config'))
  feed(metrics, records.slice(1))
  t.not(differences(want, seriesOf(metrics)).length, 0)
})
