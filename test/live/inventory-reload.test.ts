/**
 * inventory-reload.test.ts - another world while packets come: new names for new connections, which series go and stay.
 */

import { writeFileSync } from 'node:fs'
import t from 'tap'
import { type Inventory, parseInventory } from '../../src/datapath/inventory/inventory.js'
import { entitiesOf } from '../../src/datapath/inventory/inventory-entities.js'
import { DELETION_DELAY_MS } from '../../src/hubble/metrics/pod-series.js'
import type { Lab } from '../../src/lab/lab.js'
import { ping } from '../../src/lab/traffic.js'
import { liveExporter } from '../support/live-exporter.js'
import type { Samples } from '../support/samples.js'
import { until } from '../support/until.js'
import { inventoryFile, labOf, podSpec, ROOT } from '../support/watched-lab.js'
import { startWeir } from '../support/weir-process.js'

const ICMP = 'icmp:sourceContext=pod;destinationContext=pod'

/** Packets that arrived, of the flows with these labels: drops are those of the whole machine, other tests' too. */
const packets = (page: Samples, labels: Readonly<Record<string, string>> = {}) =>
  page.sum('weir_flow_packets_total', { ...labels, verdict: 'FORWARDED' })

t.test('a running Weir names a pod that came, keeps what it counted of one that went', ROOT, async t => {
  const lab = await labOf(t, ['reload/one', 'reload/two'])
  const file = inventoryFile(t, lab)
  const write = (text = JSON.stringify(lab.inventory())) => writeFileSync(file, text)
  const weir = await startWeir(['--netns', lab.node.path, '--inventory', file])
  t.teardown(() => weir.stop('SIGKILL'))
  const reloads = (result: string, n: number) =>
    until(`${n} ${result}`, async () => {
      const page = await weir.metrics()
      return page.get('weir_inventory_reloads_total', { result }) === n && page
    })
  await ping(lab.pod('one'), lab.pod('two').ipv4, { count: 3 })
  const three = await lab.addPod(podSpec('reload/three'))
  write()
  weir.process.kill('SIGHUP')
  await reloads('applied', 1)
  await until('the new interface is watched', async () => {
    await ping(three, lab.pod('one').ipv4, { count: 1 })
    return packets(await weir.metrics(), { source_workload: 'three', reporter: 'source' }) > 0
  })
  const before = await weir.metrics()
  t.ok(packets(before, { source_workload: 'one', destination_workload: 'three' }) > 0)
  write('{')
  const broken = await reloads('refused', 1)
  t.equal(broken.get('weir_inventory_last_reload_successful'), 0)
  t.match(weir.stderr(), /inventory reload failed/)
  await lab.removePod('two')
  write()
  const after = await reloads('applied', 2)
  t.equal(after.get('weir_inventory_last_reload_successful'), 1)
  t.equal(packets(after), packets(before))
  t.equal(packets(after, { destination_workload: 'two' }), 6, 'three at each end')
  t.match(weir.stderr(), /podsDeleted"?[=:]1/)
})

t.test("a deleted pod's hubble series go when its time has come, and weir's stay", ROOT, async t => {
  const clock = { ms: 0 }
  const lab = await labOf(t, ['reload/stays', 'reload/goes', 'reload/rests'])
  const {
    exporter,
    names,
    samples: page,
  } = await liveExporter(t, lab, {
    inventory: labInventory(lab),
    hubble: ICMP,
    now: () => clock.ms,
  })
  await ping(lab.pod('stays'), lab.pod('goes').ipv4, { count: 2 })
  await ping(lab.pod('stays'), lab.pod('rests').ipv4, { count: 2 })
  const there = page()
  const goes = { destination: 'reload/goes' }
  t.ok(there.sum('hubble_icmp_total', goes) > 0)
  const address = lab.pod('goes').ipv4
  await lab.removePod('goes')
  const change = names.useInventory(labInventory(lab))
  t.strictSame(change.deletedPods, [{ namespace: 'reload', pod: 'goes' }])
  t.equal(exporter.entities.addresses.host(address), 0)
  clock.ms += DELETION_DELAY_MS - 1
  t.equal(page().sum('hubble_icmp_total'), there.sum('hubble_icmp_total'), 'not a moment early')
  clock.ms += 1
  const after = page()
  t.equal(after.sum('hubble_icmp_total', goes), 0)
  t.equal(after.sum('hubble_icmp_total', { source: 'reload/goes' }), 0)
  const rests = { destination: 'reload/rests' }
  t.equal(after.sum('hubble_icmp_total', rests), there.sum('hubble_icmp_total', rests))
  t.equal(packets(after), packets(there))
  t.equal(packets(after, { destination_workload: 'goes' }), 4)
})

t.test('what was counted keeps its names, a connection that begins later has the new ones', ROOT, async t => {
  const lab = await labOf(t, ['reload/asks', 'reload/old'])
  const { names, samples: page } = await liveExporter(t, lab, { inventory: labInventory(lab) })
  await ping(lab.pod('asks'), lab.pod('old').ipv4, { count: 1 })
  const inventory = labInventory(lab)
  const endpoints = inventory.endpoints.map(endpoint =>
    endpoint.pod === 'old' ? { ...endpoint, pod: 'new', workload: { kind: 'Deployment', name: 'new' } } : endpoint,
  )
  names.useInventory({ ...inventory, endpoints })
  const [old, renamed] = [{ destination_workload: 'old' }, { destination_workload: 'new' }]
  t.strictSame([packets(page(), old), packets(page(), renamed)], [2, 0])
  await ping(lab.pod('asks'), lab.pod('old').ipv4, { count: 1 })
  t.strictSame([packets(page(), old), packets(page(), renamed)], [2, 2])
})

t.test('a full ip_cache is reported, and recovers once the inventory fits', ROOT, async t => {
  const lab = await labOf(t, ['reload/asker', 'reload/asked'])
  const errors: string[] = []
  const named = entitiesOf(labInventory(lab))
    .prefixes()
    .filter(({ bits }) => bits === 128).length
  const room = named + (await nodeAddresses(lab))
  const {
    names,
    live,
    samples: page,
  } = await liveExporter(t, lab, {
    inventory: labInventory(lab),
    sizes: { ip_cache: room },
    onError: error => errors.push(error.message),
  })
  const inventory = labInventory(lab)
  const cidrs = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`192.0.2.${i}/32`, 2]))
  names.useInventory({ ...inventory, cidrs: { ...inventory.cidrs, ...cidrs } })
  live.collect()
  t.equal(errors.length, 1, 'once')
  t.match(live.trouble, /^ip_cache: /)
  t.equal(live.up('ip_cache'), false)
  const endpoints = inventory.endpoints.map(endpoint => ({
    ...endpoint,
    workload: { kind: '', name: `${endpoint.pod}-2` },
  }))
  names.useInventory({ ...inventory, endpoints })
  t.equal(live.trouble, undefined)
  await ping(lab.pod('asker'), lab.pod('asked').ipv4, { count: 1 })
  t.equal(packets(page(), { source_workload: 'asker-2', destination_workload: 'asked-2' }), 2)
})

/** The node's own addresses take entries, too. */
async function nodeAddresses(lab: Lab): Promise<number> {
  const { stdout } = await lab.run('node', ['ip', '-j', 'addr'])
  const links = JSON.parse(stdout) as { addr_info: { local: string }[] }[]
  return new Set(links.flatMap(({ addr_info }) => addr_info.map(({ local }) => local))).size
}

function labInventory(lab: Lab): Inventory {
  return parseInventory(JSON.stringify(lab.inventory()), 'the lab')
}
