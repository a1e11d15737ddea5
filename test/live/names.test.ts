/**
 * names.test.ts - names that come late, go, and move, while packets pass: nothing is counted for the wrong pod.
 */
import t, { type Test } from 'tap'
import type { EntityOptions } from '../../src/datapath/identity/entities.js'
import {
  BARE_FACTS,
  type EndpointFacts,
  type EntityChanges,
  NO_CHANGES,
} from '../../src/datapath/identity/entity-changes.js'
import { parseInventory } from '../../src/datapath/inventory/inventory.js'
import { M } from '../../src/exporter/catalog/catalog.js'
import { metricsConfig } from '../../src/exporter/reduce/metrics-config.js'
import type { Lab } from '../../src/lab/lab.js'
import { ping } from '../../src/lab/traffic.js'
import { liveExporter } from '../support/live-exporter.js'
import type { Samples } from '../support/samples.js'
import { until } from '../support/until.js'
import { labOf, ROOT } from '../support/watched-lab.js'

const WORLD = JSON.stringify({ cidrs: { '0.0.0.0/0': 2, '::/0': 2 } })

const podOf = (pod: string, ...ips: string[]): EndpointFacts => ({
  ...BARE_FACTS,
  key: `uid-${pod}`,
  kind: 'pod',
  ips,
  namespace: 'names',
  pod,
  workload: { kind: 'Deployment', name: pod },
  node: 'n1',
  zone: 'z1',
  identity: 4000,
})
const packets = (page: Samples, labels: Readonly<Record<string, string>> = {}) =>
  page.sum('weir_flow_packets_total', { ...labels, verdict: 'FORWARDED' })

/** A live source that expects names, over the pods of a lab that it knows nothing of. */
async function watching(t: Test, lab: Lab, entityWaitMs: number, entityOptions: EntityOptions = {}) {
  const inventory = parseInventory(WORLD, 'the test')
  const { exporter, names, samples } = await liveExporter(t, lab, { inventory, entityWaitMs, ...entityOptions })
  exporter.entities.expectNames()
  const apply = (changes: Partial<EntityChanges>) => names.apply({ ...NO_CHANGES, ...changes })
  return { exporter, page: samples, apply }
}

t.test('packets before the name wait for it, and all of them are counted under it', ROOT, async t => {
  const lab = await labOf(t, ['names/asks', 'names/late'])
  const { page, apply } = await watching(t, lab, 600_000)
  const [asks, late] = [lab.pod('asks'), lab.pod('late')]
  await apply({ upserts: [podOf('asks', asks.ipv4)] })
  await ping(asks, late.ipv4, { count: 3 })
  const before = page()
  t.equal(packets(before, { source_workload: 'asks' }), 0, 'nothing yet')
  t.ok(before.sum('weir_connections_deferred') > 0)
  await apply({ upserts: [podOf('late', late.ipv4)] })
  const after = page()
  t.equal(packets(after, { source_workload: 'asks', destination_workload: 'late' }), 6)
  t.equal(packets(after, { source_workload: 'late', destination_workload: 'asks' }), 6)
  t.equal(packets(after, { destination_workload: 'world', source_workload: 'asks' }), 0)
})

t.test(
  'without a name in time the counts are reported without one, and later counts have the late name',
  ROOT,
  async t => {
    const lab = await labOf(t, ['names/asks', 'names/never'])
    const { page, apply } = await watching(t, lab, 1)
    const [asks, never] = [lab.pod('asks'), lab.pod('never')]
    await apply({ upserts: [podOf('asks', asks.ipv4)] })
    await ping(asks, never.ipv4, { count: 2 })
    const nameless = (destination_workload: string) =>
      packets(page(), { source_workload: 'asks', destination_workload })
    t.equal(nameless('world'), 2, 'at the source')
    t.equal(nameless('unmanaged'), 2, 'at the destination: the interface is not the way to the world')
    await apply({ upserts: [podOf('never', never.ipv4)] })
    await ping(asks, never.ipv4, { count: 2 })
    await until('counted', async () => packets(page(), { destination_workload: 'never' }) === 4)
    t.strictSame([nameless('world'), nameless('unmanaged')], [2, 2])
  },
)

t.test("a pod on a deleted pod's address has its own packets and none of the other's", ROOT, async t => {
  const lab = await labOf(t, ['names/asks', 'names/place'])
  const { page, apply, exporter } = await watching(t, lab, 600_000)
  const [asks, place] = [lab.pod('asks'), lab.pod('place')]
  const address = place.ipv4
  await apply({ upserts: [podOf('asks', asks.ipv4), podOf('first', address)] })
  await ping(asks, address, { count: 2 })
  const deleted = await apply({ removals: ['uid-first'] })
  t.strictSame(deleted, [{ namespace: 'names', pod: 'first' }])
  await ping(asks, address, { count: 3 })
  const between = page()
  t.equal(packets(between, { destination_workload: 'first' }), 4)
  t.equal(packets(between, { destination_workload: 'world', source_workload: 'asks' }), 0, 'they wait')
  await apply({ upserts: [podOf('second', address)] })
  await ping(asks, address, { count: 1 })
  await until('the connections of the first are evicted', async () => {
    return page().sum('weir_connections_active', { destination_workload: 'first' }) === 0
  })
  const after = page()
  t.equal(packets(after, { destination_workload: 'second' }), 8)
  t.equal(exporter.entities.staleTotal, 1)
  t.equal(packets(after, { destination_workload: 'first' }), 4)
  t.ok(after.sum('weir_connections_renamed_total') > 0)
  // An update of the first that comes after its deletion is another's, and must not take the address from the second.
  t.equal(exporter.entities.pod(exporter.entities.addresses.host(address)), 'second')
})

t.test(
  "a deleted pod's own series go when --entity-ttl is over, its workload's stay, and no count is lost",
  ROOT,
  async t => {
    const lab = await labOf(t, ['names/asks', 'names/goes', 'names/back'])
    const clock = { ms: 0 }
    const { page, apply, exporter } = await watching(t, lab, 600_000, { ttlMs: 7_000, now: () => clock.ms })
    const labels = ['source_namespace', 'source_pod', 'destination_namespace', 'destination_pod']
    exporter.reducer.apply(metricsConfig({ families: { [M.flowBytes.name]: { labels } } }))
    const [asks, goes, back] = [lab.pod('asks'), lab.pod('goes'), lab.pod('back')]
    const there = [podOf('asks', asks.ipv4), podOf('goes', goes.ipv4), podOf('back', back.ipv4)]
    await apply({ upserts: there })
    for (const pod of [goes, back]) await ping(asks, pod.ipv4, { count: 2 })
    const bytes = (now: Samples, pod: string) =>
      now.sum(M.flowBytes.name, { destination_pod: pod, verdict: 'FORWARDED' })
    const counted = page()
    t.ok(bytes(counted, 'goes') > 0)
    await apply({ removals: ['uid-goes', 'uid-back'] })
    await apply({ upserts: [{ ...podOf('back', back.ipv4), key: 'uid-of-the-next' }] })
    clock.ms += 6_999
    t.equal(bytes(page(), 'goes'), bytes(counted, 'goes'), 'not a moment early')
    clock.ms += 1
    const after = page()
    t.equal(after.series(M.flowBytes.name, { destination_pod: 'goes' }).length, 0)
    t.equal(after.series(M.flowBytes.name, { source_pod: 'goes' }).length, 0)
    t.equal(bytes(after, 'back'), bytes(counted, 'back'), 'there is a pod of this name again')
    t.equal(packets(after, { destination_workload: 'goes' }), packets(counted, { destination_workload: 'goes' }))
    const gone =
      counted.sum(M.flowBytes.name, { destination_pod: 'goes' }) + counted.sum(M.flowBytes.name, { source_pod: 'goes' })
    t.equal(after.get('weir_series_expired_value_total', { sample: M.flowBytes.name }), gone)
  },
)
