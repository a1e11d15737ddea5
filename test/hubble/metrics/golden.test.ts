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

  t.test(`configuration ${n} gives twice as much for the records twice, in another order`, async t => {
    const want = parseSeries(readFixture(`metrics-${n}.prom.gz`))
    const metrics = hubbleMetrics(readFixture(`metrics-${n}.config`))
    feed(metrics, [...records, ...records.toReversed()])
    t.strictSame(differences(new Map([...want].map(([text, value]) => [text, value * 2])), seriesOf(metrics)), [])
  })
}

t.test('a record less is a difference', async t => {
  const want = parseSeries(readFixture('metrics-1.prom.gz'))
  const metrics = hubbleMetrics(readFixture('metrics-1.config'))
  feed(metrics, records.slice(1))
  t.not(differences(want, seriesOf(metrics)).length, 0)
})
