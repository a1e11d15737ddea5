/**
 * name-moves.test.ts - records count under the names valid at their time, while addresses change owners.
 *
 * In:    Weir and Cilium records, and between them pods that are created, moved and deleted, and CIDRs that change.
 * Out:   hubble_* as if each record's flow was counted at once; weir_* as from a Reducer without caches; the same misses.
 */
import fc from 'fast-check'
import t from 'tap'
import { Entities } from '../../../src/datapath/identity/entities.js'
import {
  BARE_FACTS,
  type EndpointFacts,
  type EntityChanges,
  NO_CHANGES,
} from '../../../src/datapath/identity/entity-changes.js'
import { HDR, Notify } from '../../../src/datapath/record/abi.js'
import { KernelReasons } from '../../../src/datapath/record/reasons.js'
import { render } from '../../../src/exporter/exposition/text.js'
import { Reducer } from '../../../src/exporter/reduce/reduce.js'
import { SeriesStore } from '../../../src/exporter/series/series.js'
import { InventoryResolver } from '../../../src/hubble/flow/inventory-resolver.js'
import { compileMetrics } from '../../../src/hubble/metrics/compile.js'
import { flowBuilder } from '../../../src/hubble/metrics/flow-builder.js'
import { parseStatic } from '../../../src/hubble/metrics/grammar.js'
import { HubbleMetrics } from '../../../src/hubble/metrics/metrics.js'
import { decodeAll, differences, recordedRecords, seriesOf, unkeyedSink } from '../../support/hubble-metrics.js'
import { dropRecord, traceRecord } from '../../support/weir-records.js'

const SEED = 20_260_107
const OPTIONS = { seed: SEED, numRuns: 25 }
const IPS = ['10.0.0.1', '10.0.0.2', '10.0.1.3', '192.0.2.4', 'fd00::1', 'fd00::1:2']
const PREFIXES = ['10.0.0.0/24', '10.0.0.0/8', 'fd00::/112', '192.0.2.4/32']
const IDENTITIES = [1000, 1001, 0x8000_0001]
const CONFIGS = [
  'flow:sourceContext=pod|ip;destinationContext=pod|ip;labelsContext=traffic_direction drop:sourceContext=pod',
  'flow:sourceEgressContext=workload;destinationContext=reserved-identity|namespace tcp port-distribution:sourceContext=pod',
  'flow:labelsContext=traffic_direction,destination_pod drop:destinationContext=identity flows-to-world:any-drop',
]
const cilium = recordedRecords()
const FLOWS: readonly number[] = [Notify.trace, Notify.drop, Notify.policyVerdict]
const shown = cilium.filter(record => FLOWS.includes(record[HDR.type]!)).slice(0, 60)

type Step = { readonly record: Uint8Array } | { readonly changes: EntityChanges }

const ip = fc.constantFrom(...IPS)
const identity = fc.constantFrom(0, 2, 77, ...IDENTITIES)
const emitter = fc.constantFrom(0, 100, 101)
const ownTrace = fc
  .record({ a: ip, b: ip, srcLabel: identity, dstLabel: identity, emitter, port: fc.constantFrom(80, 443) })
  .map(({ emitter, port, ...fields }) => {
    const counts = [[0, 0, 1, 60] as const]
    const record = traceRecord({ ...fields, proto: 6, aPort: 40_000, bPort: port, counts })
    record.writeUInt16LE(emitter, HDR.source)
    return { record }
  })
const ownDrop = fc
  .record({ src: ip, dst: ip, srcLabel: identity, dstLabel: identity })
  .map(fields => ({ record: dropRecord({ ...fields, proto: 17, reason: 3, packets: 1, bytes: 60 }) }))
const pod = fc
  .record({
    n: fc.nat(4),
    ips: fc.uniqueArray(ip, { maxLength: 2 }),
    identity: fc.constantFrom(...IDENTITIES),
    local: fc.boolean(),
  })
  .map(
    ({ n, ips, identity, local }): EndpointFacts => ({
      ...BARE_FACTS,
      key: `uid-${n}`,
      kind: 'pod',
      ips,
      namespace: `n${n % 2}`,
      pod: `p${n}`,
      workload: { kind: 'Deployment', name: `w${n % 3}` },
      identity,
      local,
      endpoint: local ? 100 + (n % 2) : 0,
    }),
  )
const cidr = fc.record({ prefix: fc.constantFrom(...PREFIXES), identity: fc.constantFrom(2, ...IDENTITIES) }).map(
  ({ prefix, identity }): EndpointFacts => ({
    ...BARE_FACTS,
    key: `cidr/${prefix}`,
    kind: 'cidr',
    prefixes: [prefix],
    identity,
  }),
)
const change = fc
  .oneof(
    fc.oneof(pod, cidr).map(facts => ({ upserts: [facts] })),
    fc
      .oneof(
        fc.nat(4).map(n => `uid-${n}`),
        fc.constantFrom(...PREFIXES.map(prefix => `cidr/${prefix}`)),
      )
      .map(key => ({ removals: [key] })),
  )
  .map((some): Step => ({ changes: { ...NO_CHANGES, ...some } }))
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: ownTrace },
  { weight: 3, arbitrary: ownDrop },
  { weight: 3, arbitrary: fc.constantFrom(...shown).map(record => ({ record })) },
  { weight: 3, arbitrary: change },
)
const steps = fc.array(step, { maxLength: 250, size: 'max' })

function inventory() {
  // Names never expire, so entity ids are not reused.
  const entities = new Entities({ ttlMs: Number.MAX_SAFE_INTEGER })
  const resolver = new InventoryResolver(entities)
  const apply = (changes: EntityChanges) => {
    entities.apply(changes)
    return resolver.apply(changes)
  }
  apply({
    ...NO_CHANGES,
    identities: IDENTITIES.map(identity => ({ identity, labels: [`k8s:app=a${identity}`, 'reserved:world'] })),
  })
  return { entities, resolver, apply }
}

/** Differences from counting each record at once. */
function wrongNames(config: string, all: readonly Step[]): readonly string[] {
  const { entities, resolver, apply } = inventory()
  const compiled = compileMetrics(parseStatic(config))
  const flow = flowBuilder(resolver, new KernelReasons([]))
  const metrics = new HubbleMetrics(compiled, entities, flow)
  const { sink, series } = unkeyedSink(compiled, flow)
  for (const step of all) {
    if ('changes' in step) {
      // Changes of anything but addresses would reset Hubble's counts.
      if (apply(step.changes)) return ['these changes are not of addresses alone']
      continue
    }
    decodeAll([step.record], metrics)
    decodeAll([step.record], sink)
  }
  metrics.flush()
  return differences(series, seriesOf(metrics))
}

for (const config of CONFIGS) {
  t.test(`hubble_* count each record under the names of its time: ${config}`, async t => {
    const check = (all: readonly Step[]) => {
      const wrong = wrongNames(config, all)
      if (wrong.length > 0) throw new Error(wrong.join('\n'))
    }
    t.doesNotThrow(() => fc.assert(fc.property(steps, check), OPTIONS), `seed ${SEED}`)
  })
}

function reduced(all: readonly Step[], cached: boolean): string {
  const { entities, apply } = inventory()
  const store = new SeriesStore()
  const fresh = () => new Reducer(store, entities, new KernelReasons([]), false)
  let reducer = fresh()
  for (const step of all) {
    if ('changes' in step) apply(step.changes)
    else decodeAll([step.record], reducer)
    if (!cached) reducer = fresh()
  }
  return `${render(store)}${entities.misses} misses`
}

t.test('weir_* count each record under the names of its time, and look unknown addresses up again', async t => {
  const check = (all: readonly Step[]) => reduced(all, true) === reduced(all, false)
  t.doesNotThrow(() => fc.assert(fc.property(steps, check), { ...OPTIONS, numRuns: 8 }), `seed ${SEED}`)
})
