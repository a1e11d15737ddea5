/**
 * inventory-reload.test.ts - another world while records come: who keeps a row, which prefixes change, what a file that changes does.
 */

import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createExporter, otherStores, updateSelf } from '../../src/agent/exporter.js'
import { NameUpdates } from '../../src/agent/names/name-updates.js'
import { InventoryFileWatch } from '../../src/agent/reload/inventory-file.js'
import type { Entities, EntityOptions, EntityPrefix } from '../../src/datapath/identity/entities.js'
import { type Inventory, loadInventory, parseInventory } from '../../src/datapath/inventory/inventory.js'
import { inventoryChanges } from '../../src/datapath/inventory/inventory-changes.js'
import { entitiesOf } from '../../src/datapath/inventory/inventory-entities.js'
import { Decoder } from '../../src/datapath/record/decode.js'
import { Replay } from '../../src/datapath/source/replay.js'
import { render } from '../../src/exporter/exposition/text.js'
import { SeriesStore } from '../../src/exporter/series/series.js'
import { InventoryResolver } from '../../src/hubble/flow/inventory-resolver.js'
import { parseStatic } from '../../src/hubble/metrics/grammar.js'
import { formatPrefix, parseAddress } from '../../src/lib/address.js'
import { Samples } from '../support/samples.js'

const RECORDS = 'examples/records.pcap'
const FILE = 'examples/inventory.json'

interface Pod {
  readonly pod: string
  readonly ips: readonly string[]
  readonly identity?: number
}

const inventoryOf = (pods: readonly Pod[], cidrs: Readonly<Record<string, number>> = {}): Inventory =>
  parseInventory(
    JSON.stringify({
      identities: { 1000: ['k8s:app=web'], 1001: ['k8s:app=api'] },
      endpoints: pods.map(({ identity = 1000, ...pod }) => ({ ...pod, identity, namespace: 'shop' })),
      cidrs,
    }),
    'a world',
  )
const at = (entities: Entities, ip: string) => entities.resolve(parseAddress(ip), 0, true, 0)
const shown = (prefixes: readonly EntityPrefix[]) => prefixes.map(formatPrefix).sort()

/** Entities that follow an inventory, and the kernel entries of each change. */
function follow(first: Inventory, options?: EntityOptions) {
  const entities = entitiesOf(first, options)
  entities.takeChanged(1000)
  let inventory = first
  const update = (next: Inventory) => {
    const deletedPods = entities.apply(inventoryChanges(inventory, next))
    inventory = next
    const changed = entities.takeChanged(1000)
    return {
      deletedPods,
      written: changed.filter(({ present: there }) => there),
      removed: changed.filter(({ present: there }) => !there),
    }
  }
  return { entities, update }
}

t.test('who is the same keeps the row, whatever else comes and goes; who is another has another', async t => {
  const { entities, update } = follow(
    inventoryOf([
      { pod: 'a', ips: ['10.0.0.1'] },
      { pod: 'b', ips: ['10.0.0.2'] },
      { pod: 'c', ips: ['10.0.0.3'] },
    ]),
  )
  const [a, b, c] = [at(entities, '10.0.0.1'), at(entities, '10.0.0.2'), at(entities, '10.0.0.3')]
  const { written, removed, deletedPods } = update(
    inventoryOf([
      { pod: 'new', ips: ['10.0.0.9'] },
      { pod: 'c', ips: ['10.0.0.3'], identity: 1001 },
      { pod: 'a', ips: ['10.0.0.1', 'fd00::1'] },
    ]),
  )
  t.equal(at(entities, '10.0.0.1'), a)
  t.equal(at(entities, 'fd00::1'), a)
  t.equal(at(entities, '10.0.0.2'), 0)
  t.equal(entities.pod(b), 'b', 'a late record still finds its name')
  t.not(at(entities, '10.0.0.3'), c)
  t.equal(entities.identity(c), 1000)
  t.equal(entities.identity(at(entities, '10.0.0.3')), 1001)
  t.equal(entities.pod(at(entities, '10.0.0.9')), 'new')
  t.strictSame(shown(written), ['10.0.0.1/32', '10.0.0.3/32', '10.0.0.9/32', 'fd00::1/128'])
  t.strictSame(shown(removed), ['10.0.0.2/32'])
  t.strictSame(deletedPods, [{ namespace: 'shop', pod: 'b' }])
})

t.test('the same world again changes nothing', async t => {
  const { entities, update } = follow(loadInventory(FILE))
  const { count } = entities
  t.strictSame(update(loadInventory(FILE)), { written: [], removed: [], deletedPods: [] })
  t.equal(entities.count, count)
})

t.test('an address that moves names its new pod under another row: what bears the old one began before', async t => {
  const { entities, update } = follow(
    inventoryOf([
      { pod: 'a', ips: ['10.0.0.1'] },
      { pod: 'b', ips: ['10.0.0.2'] },
    ]),
  )
  const b = at(entities, '10.0.0.2')
  const change = update(
    inventoryOf([
      { pod: 'a', ips: [] },
      { pod: 'b', ips: ['10.0.0.1'] },
    ]),
  )
  const moved = at(entities, '10.0.0.1')
  t.equal(entities.pod(moved), 'b')
  t.not(moved, b)
  t.strictSame(
    change.written.map(({ entity }) => entity),
    [moved],
  )
  t.strictSame(shown(change.removed), ['10.0.0.2/32'])
  t.strictSame(change.deletedPods, [])
})

t.test('identities and CIDRs follow too, and labels that change are another row', async t => {
  const { entities, update } = follow(inventoryOf([], { '10.0.0.0/8': 1000 }))
  const before = at(entities, '10.1.1.1')
  update(parseInventory('{"identities":{"1000":["k8s:app=other"]},"cidrs":{"10.0.0.0/8":1000,"0.0.0.0/0":2}}', 'b'))
  t.equal(entities.workload(before), 'web')
  t.equal(entities.workload(at(entities, '10.1.1.1')), 'other')
  t.equal(entities.workload(at(entities, '8.8.8.8')), 'world')
  t.equal(entities.workload(entities.byIdentity(1000)), 'other')
  update(parseInventory('{"identities":{"0":["reserved:odd"]}}', 'c'))
  t.equal(at(entities, '8.8.8.8'), 0)
  t.equal(entities.workload(0), 'unknown')
})

t.test('names of what is gone stay their time, then the number may stand for another; past a bound sooner', async t => {
  const clock = { ms: 0 }
  const only = (n: number) => inventoryOf([{ pod: `p-${n}`, ips: ['10.0.0.1'] }])
  const { entities, update } = follow(only(0), { ttlMs: 100, mostGone: 3, now: () => clock.ms })
  const first = at(entities, '10.0.0.1')
  for (let n = 1; n <= 3; n++) update(only(n))
  t.strictSame([entities.recycle(), entities.gone], [[], 3], 'within the bound, and their time')
  update(only(4))
  t.strictSame(entities.recycle(), [first], 'past the bound the one gone longest')
  update(only(5))
  t.equal(at(entities, '10.0.0.1'), first)
  t.equal(entities.pod(first), 'p-5')
  clock.ms = 100
  update(only(6))
  t.equal(entities.recycle().length, 4, 'all entities past their TTL')
  entities.release(0)
  for (let n = 7; n <= 20; n++) update(only(n))
  clock.ms = 1000
  t.strictSame(entities.recycle(), [], 'the kernel still refers to them')
  entities.release(entities.staleTotal)
  t.equal(entities.recycle().length, 15)
  t.equal(entities.pod(at(entities, '10.0.0.1')), 'p-20')
})

t.test('whatever worlds come, every address and every row has the right name', async t => {
  const { entities, update } = follow(inventoryOf([]), { ttlMs: 0, mostGone: 5 })
  for (let round = 0; round < 200; round++) {
    const pods = Array.from({ length: 6 }, (_, i) => ({
      pod: `p-${(round * 7 + i * (1 + (round % 3))) % 23}`,
      ips: [`10.0.0.${i}`],
      identity: 1000 + (round & 1),
    }))
    update(inventoryOf(pods))
    entities.recycle()
    for (const { pod, ips, identity } of pods) {
      const row = at(entities, ips[0]!)
      t.strictSame([entities.pod(row), entities.identity(row)], [pod, identity])
    }
  }
  t.ok(entities.reused > 0)
  t.ok(entities.count < 60, `${entities.count} rows`)
})

t.test('the directory of flows answers by the new world, and says so', async t => {
  const before = inventoryOf([{ pod: 'a', ips: ['10.0.0.1'] }], { '10.9.0.0/16': 1001 })
  const entities = entitiesOf(before)
  const resolver = new InventoryResolver(entities)
  t.equal(resolver.identity('10.9.0.1'), 1001)
  const { version } = resolver
  const changes = inventoryChanges(before, inventoryOf([{ pod: 'b', ips: ['10.0.0.2'] }]))
  entities.apply(changes)
  resolver.apply(changes)
  t.not(resolver.version, version)
  t.equal(resolver.pod('10.0.0.1'), undefined)
  t.equal(resolver.pod('10.0.0.2')?.pod, 'b')
  t.equal(resolver.identity('10.9.0.1'), 0)
})

t.test('a recording read under two worlds: the sums are those of one', async t => {
  const inventory = loadInventory(FILE)
  const renamed = {
    ...inventory,
    endpoints: inventory.endpoints.map(endpoint => ({ ...endpoint, pod: `${endpoint.pod}-x`, workload: undefined })),
  }
  const read = (another?: Inventory) => {
    const hubbleMetrics = parseStatic('flow:sourceContext=pod tcp port-distribution')
    const exporter = createExporter(inventory, false, { hubbleMetrics })
    const names = new NameUpdates(exporter)
    const decoder = new Decoder()
    const replay = new Replay(RECORDS)
    replay.run(decoder, exporter.sink, 1000)
    const gone = another === undefined ? [] : names.useInventory(another).deletedPods
    t.ok(replay.run(decoder, exporter.sink).done)
    names.refresh()
    updateSelf(exporter, decoder)
    return { gone, page: Samples.parse(render(exporter.store, ...otherStores(exporter)).toString()) }
  }
  const [one, two] = [read(), read(renamed)]
  t.equal(two.gone.length, new Set(inventory.endpoints.filter(e => e.pod).map(e => `${e.namespace}/${e.pod}`)).size)
  for (const name of [
    'weir_flow_packets_total',
    'weir_flow_bytes_total',
    'weir_drop_packets_total',
    'weir_policy_verdicts_total',
    'hubble_flows_processed_total',
    'hubble_tcp_flags_total',
    'hubble_port_distribution_total',
  ]) {
    t.ok(one.page.sum(name) > 0, name)
    t.equal(two.page.sum(name), one.page.sum(name), name)
  }
  const sources = (page: Samples) =>
    page.series('hubble_flows_processed_total').filter(({ labels }) => labels.source?.endsWith('-x')).length
  t.equal(sources(one.page), 0)
  t.ok(sources(two.page) > 0)
})

t.test('a broken, empty or missing file is logged once and changes nothing; a good one is applied again', async t => {
  const path = join(t.testdir({ 'inventory.yaml': 'cidrs: {}' }), 'inventory.yaml')
  const store = new SeriesStore()
  const said: string[] = []
  const applied: Inventory[] = []
  const log = { info: () => said.push('good'), error: (line: { err: string }) => said.push(line.err) }
  const rename = (inventory: Inventory) => ({ n: applied.push(inventory) })
  const watch = new InventoryFileWatch({ path, text: 'cidrs: {}' }, rename, store, log as never)
  const state = () => {
    const page = Samples.parse(render(store).toString())
    const reloads = (result: string) => page.get('weir_inventory_reloads_total', { result })
    return [page.get('weir_inventory_last_reload_successful'), reloads('applied'), reloads('refused')]
  }
  const look = (text?: string) => {
    if (text !== undefined) writeFileSync(path, text)
    said.length = 0
    watch.check()
    watch.check()
    return said.join()
  }
  t.strictSame([look(), ...state()], ['', 1, 0, 0], 'unchanged')
  t.strictSame([look('cidrs: { 10.0.0.0/8: 2 }'), ...state()], ['good', 1, 1, 0])
  t.match(look('cidrs: { ten: 2 }'), /inventory.yaml:1: cidrs.ten: "ten"; allowed: [^;]*$/)
  t.strictSame(state(), [0, 1, 1])
  t.match(look(''), /is empty$/)
  t.match(look('{'), /inventory.yaml/)
  t.strictSame([applied.length, ...state()], [1, 0, 1, 3])
  rmSync(path)
  t.match(look(), /no such file$/)
  t.strictSame([look('cidrs: { 10.0.0.0/8: 2 }'), ...state()], ['good', 1, 2, 4])
})
