/**
 * drops.test.ts - a record of many equal drops counts each of them in hubble_* metrics, with a key and without.
 */
import t from 'tap'
import { Decoder } from '../../../src/datapath/record/decode.js'
import { render } from '../../../src/exporter/exposition/text.js'
import { parseStatic } from '../../../src/hubble/metrics/grammar.js'
import { Hubble } from '../../../src/hubble/metrics/hubble.js'
import { PARTS, parseSeries } from '../../support/hubble-metrics.js'
import { dropRecord } from '../../support/weir-records.js'

const NETFILTER_DROP = 8
const DROP = { src: '10.66.0.1', dst: '10.66.0.2', proto: 17, reason: NETFILTER_DROP, bytes: 900 }

/** Series after drop records with these packet counts. */
function counted(config: string, packets: readonly number[]) {
  const hubble = new Hubble(PARTS, parseStatic(config))
  const decoder = new Decoder()
  for (const n of packets) {
    const record = dropRecord({ ...DROP, packets: n })
    decoder.record(new DataView(record.buffer, record.byteOffset, record.length), 0, record.length, hubble)
  }
  hubble.collect()
  return Object.fromEntries(parseSeries(render(...hubble.stores).toString()))
}

t.test('each dropped packet is a drop and a flow', async t => {
  t.strictSame(counted('drop flow', [7, 1, 5]), {
    'hubble_drop_total{protocol="UDP",reason="POLICY_DENIED"}': 13,
    'hubble_flows_processed_total{protocol="UDP",subtype="",type="Drop",verdict="DROPPED"}': 13,
  })
})

t.test('drops with labels that no key holds count too', async t => {
  const series = counted('drop:sourceContext=dns|ip', [3, 4])
  t.strictSame(Object.values(series), [7])
})

t.test('a record of no packets counts none', async t => {
  t.strictSame(counted('drop', [0]), {})
})
