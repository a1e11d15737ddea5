/**
 * endpoint.test.ts - the endpoints of a flow, and their DNS names and Services.
 */
import t from 'tap'
import { parseInventory } from '../../../src/datapath/inventory/inventory.js'
import { EndpointResolver } from '../../../src/hubble/flow/endpoint.js'
import { InventoryResolver } from '../../../src/hubble/flow/inventory-resolver.js'
import { udp } from '../../support/ethernet.js'
import { DB, flowOf, INVENTORY, packet, trace, WEB } from '../../support/flow-records.js'

const resolver = new EndpointResolver(InventoryResolver.from(parseInventory(INVENTORY, 'world')))

t.test("the record's identity wins and brings its labels, but a local endpoint keeps its own labels", async t => {
  t.match(resolver.resolve(DB, 1001), {
    identity: 1001,
    labels: ['k8s:app=web'],
    namespace: 'data',
    pod_name: 'db-0',
  })
  t.match(resolver.resolve(WEB, 1002), { ID: 7, identity: 1002, labels: ['k8s:app=web'], cluster_name: 'east' })
  t.match(resolver.resolve(DB, 0), { identity: 1002, labels: ['k8s:app=db'] })
})

t.test('only a local endpoint has an id and a workload', async t => {
  t.match(resolver.resolve('fd00::1', 0), { ID: 7, workloads: [{ name: 'web', kind: 'StatefulSet' }] })
  t.notOk('ID' in resolver.resolve(DB, 0))
  t.notOk('workloads' in resolver.resolve(DB, 0))
})

t.test(
  'an address without a pod gets the identity of its longest prefix, and reserved identities have their labels',
  async t => {
    t.strictSame(resolver.resolve('10.0.2.9', 0), { identity: 1, labels: ['reserved:host'] })
    t.strictSame(resolver.resolve('8.8.8.8', 0), { identity: 2, labels: ['reserved:world'] })
    t.strictSame(resolver.resolve('fe80::1', 0), { identity: 2, labels: ['reserved:world'] })
    t.strictSame(resolver.resolve('10.0.2.7', 0), {
      identity: 7,
      labels: ['reserved:kube-apiserver', 'reserved:remote-node'],
    })
    t.strictSame(resolver.resolve('', 0), { labels: ['reserved:unknown'] })
    t.strictSame(resolver.resolve('', 4711), { identity: 4711 }, 'its labels are unknown')
  },
)

t.test('of the CIDR labels of a local identity only the longest remains', async t => {
  t.strictSame(resolver.resolve('93.184.216.34', 0).labels, ['cidr:93.184.0.0/16', 'reserved:world'])
  t.strictSame(resolver.resolve('2606:2800::1', 0).labels, ['cidr:2606-2800--/32'])
})

t.test('equal queries get the same object, and the cache is cleared when the resolver changes', async t => {
  const resolver = InventoryResolver.from(parseInventory(INVENTORY, 'world'))
  let version = 0
  const changing = Object.create(resolver, { version: { get: () => version } })
  // The private fields are those of the real resolver.
  for (const name of ['localEndpoint', 'identity', 'pod', 'labels'] as const) {
    changing[name] = (resolver[name] as (value: never) => unknown).bind(resolver)
  }
  const cached = new EndpointResolver(changing)
  const first = cached.resolve(DB, 0)
  t.equal(cached.resolve(DB, 0), first)
  version = 1
  t.not(cached.resolve(DB, 0), first)
  t.strictSame(cached.resolve(DB, 0), first)
})

t.test('DNS names are sorted and lose their trailing dot; a Service is found by address and port', async t => {
  const flow = flowOf(trace({ packet: packet(WEB, '93.184.216.34') }))
  t.strictSame(flow.destination_names, ['example.com', 'www.example.com'])
  t.notOk('source_names' in flow)
  const dns = flowOf(trace({ packet: packet(WEB, '10.96.0.10', udp(5000, 53, new Uint8Array(0)), 17) }))
  t.strictSame(dns.destination_service, { name: 'kube-dns', namespace: 'kube-system' })
  const other = flowOf(trace({ packet: packet(WEB, '10.96.0.10', udp(5000, 54, new Uint8Array(0)), 17) }))
  t.notOk('destination_service' in other)
})

t.test(
  'the local one of two endpoints with one address wins, and a mapped IPv4 address is the IPv4 address',
  async t => {
    const inventory = JSON.parse(INVENTORY)
    inventory.endpoints.push({ id: 9, ips: [WEB], identity: 1002, namespace: 'other', pod: 'thief' })
    const flow = flowOf(trace({ packet: packet('::ffff:10.0.0.1', 'fd00::2') }), JSON.stringify(inventory))
    t.equal(flow.IP?.source, WEB)
    t.match(flow.source, { ID: 7, pod_name: 'web-0' })
  },
)
