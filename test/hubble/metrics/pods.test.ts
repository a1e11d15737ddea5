/**
 * pods.test.ts - series of deleted pods are removed after a final scrape, and no others.
 */
import t from 'tap'
import { render } from '../../../src/exporter/exposition/text.js'
import { DeletedPods } from '../../../src/exporter/reduce/deleted-pods.js'
import { parseStatic } from '../../../src/hubble/metrics/grammar.js'
import { Hubble } from '../../../src/hubble/metrics/hubble.js'
import { DELETION_DELAY_MS } from '../../../src/hubble/metrics/pod-series.js'
import { decodeAll, differences, PARTS, parseSeries, recordedRecords } from '../../support/hubble-metrics.js'

const records = recordedRecords()
const POD = { namespace: 'shop', pod: 'app-1-0' }

const start = (config: string) => {
  const clock = { ms: 1000 }
  const hubble = new Hubble({ ...PARTS, now: () => clock.ms }, parseStatic(config))
  decodeAll(records, hubble)
  const series = () => {
    hubble.collect()
    return parseSeries(render(...hubble.stores).toString())
  }
  return { clock, hubble, series }
}

const CONFIGS: readonly (readonly [config: string, mark: RegExp])[] = [
  ['tcp:sourceContext=pod;destinationContext=pod', /(source|destination)="shop\/app-1-0"/],
  ['flow:sourceContext=dns|pod', /source="shop\/app-1-0"/],
  ['flow:destinationIngressContext=pod', /destination="shop\/app-1-0"/],
  ['drop:labelsContext=source_namespace,source_pod', /source_namespace="shop",source_pod="app-1-0"/],
  ['tcp:labelsContext=destination_pod,destination_namespace', /destination_namespace="shop",destination_pod="app-1-0"/],
]

t.test("a minute after a pod's deletion its series are gone, and all others unchanged", async t => {
  for (const [config, mark] of CONFIGS) {
    const { clock, hubble, series } = start(config)
    const before = series()
    const rest = new Map([...before].filter(([text]) => !mark.test(text)))
    t.ok(rest.size < before.size, `${config}: ${before.size - rest.size} series of the pod`)
    hubble.podDeleted(POD)
    clock.ms += DELETION_DELAY_MS - 1
    t.equal(series().size, before.size, 'not a millisecond early')
    clock.ms += 1
    t.strictSame(differences(rest, series()), [])
    decodeAll(records, hubble)
    const twice = new Map([...before].map(([text, value]) => [text, rest.has(text) ? value * 2 : value]))
    t.strictSame(differences(twice, series()), [], 'later records count from 0')
  }
})

t.test('series without pod names and series of other pods stay', async t => {
  for (const config of [
    'flow:sourceContext=pod-name',
    'flow:labelsContext=source_pod',
    'flow:sourceContext=workload',
  ]) {
    const { clock, hubble, series } = start(config)
    const before = series()
    hubble.podDeleted(POD)
    clock.ms += DELETION_DELAY_MS
    t.strictSame(differences(before, series()), [], config)
  }
  const { clock, hubble, series } = start('flow:sourceContext=pod')
  const before = series()
  hubble.podDeleted({ namespace: 'shop', pod: 'app-1' })
  clock.ms += DELETION_DELAY_MS
  t.strictSame(differences(before, series()), [], 'a name with the same prefix')
})

t.test('deletions beyond the limit are counted, not stored', async t => {
  const pods = new DeletedPods(DELETION_DELAY_MS)
  for (let i = 0; i < 65_537; i++) pods.add({ namespace: 'n', pod: `p-${i}` }, 0)
  t.equal(pods.refused, 1)
  t.equal(pods.due(DELETION_DELAY_MS - 1).length, 0)
  t.equal(pods.due(DELETION_DELAY_MS).length, 65_536)
  t.equal(pods.due(DELETION_DELAY_MS).length, 0)
})
