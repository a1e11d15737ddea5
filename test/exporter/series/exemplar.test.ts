/**
 * exemplar.test.ts - exemplars: each bucket shows the last connection observed, within OpenMetrics' length limit.
 */
import t from 'tap'
import { M } from '../../../src/exporter/catalog/catalog.js'
import { exemplarText } from '../../../src/exporter/exposition/exemplar-text.js'
import { freeze } from '../../../src/exporter/exposition/frozen.js'
import { pieces } from '../../../src/exporter/exposition/text.js'
import { SeriesStore } from '../../../src/exporter/series/series.js'
import { parseOpenMetrics } from '../../support/openmetrics.js'

const NOW = 1_764_072_000_500
const LABELS = ['shop', 'web', 'data', 'db', 'source']

/** 10.0.0.1 and fd00::2, as in records. */
const ADDRESSES = Buffer.from('00000000000000000000ffff0a000001fd000000000000000000000000000002', 'hex')

const peers = (port: number) => ({
  bytes: ADDRESSES,
  sourceAt: 0,
  destinationAt: 16,
  sourcePort: port,
  destinationPort: 443,
})

const page = (store: SeriesStore, exemplars: boolean) =>
  `${Buffer.concat([...pieces(freeze([store], undefined, exemplars), { format: 'openmetrics', created: true })])}# EOF\n`

const exemplarsOf = (text: string) =>
  parseOpenMetrics(text).flatMap(({ samples }) =>
    samples.flatMap(({ exemplar, labels }) => (exemplar ? [[labels.le, exemplar]] : [])),
  )

t.test('the last exemplar of a bucket is on its line and no other', async t => {
  const store = new SeriesStore({ now: () => NOW })
  const family = store.family(M.tcpHandshake)
  const slot = family.series(LABELS)
  family.keepExemplars(true)
  for (const [value, port] of [
    [0.0003, 1],
    [0.0004, 2],
    [99, 3],
  ] as const) {
    family.observeOf(slot, value, peers(port))
  }
  const labels = (port: number) => ({ source: `10.0.0.1:${port}`, destination: '[fd00::2]:443' })
  t.strictSame(exemplarsOf(page(store, true)), [
    ['0.0005', { labels: labels(2), value: 0.0004, timestamp: NOW / 1000 }],
    ['+Inf', { labels: labels(3), value: 99, timestamp: NOW / 1000 }],
  ])
  t.strictSame(exemplarsOf(page(store, false)), [])
})

t.test('an exemplar may have 128 label characters, of any byte length; a longer one is left out', async t => {
  const text = (value: string) => exemplarText({ labels: [['ab', value]], value: 1, timestamp: NOW })?.toString()
  const read = (exemplar: string) =>
    exemplarsOf(`# TYPE h histogram\nh_bucket{le="+Inf"} 1${exemplar}\nh_count 1\n# EOF\n`)
  for (const character of ['x', '"', '\\', '\n', 'ü', '🌊']) {
    const [longest, tooLong] = [character.repeat(126), character.repeat(127)]
    t.match(read(text(longest)!), [['+Inf', { labels: { ab: longest } }]], JSON.stringify(character))
    t.equal(text(tooLong), undefined, JSON.stringify(character))
  }
})
