/**
 * entities.test.ts - the entity of an address or identity, and its names.
 */

import fc from 'fast-check'
import t from 'tap'
import type { Entities } from '../../../src/datapath/identity/entities.js'
import { SPECIAL } from '../../../src/datapath/identity/identity.js'
import { loadInventory, parseInventory } from '../../../src/datapath/inventory/inventory.js'
import { entitiesOf } from '../../../src/datapath/inventory/inventory-entities.js'
import { formatPrefix, parseAddress, parsePrefix } from '../../../src/lib/address.js'

const REMOTE_NODE = 0x0200_0001
const PARTNER = 0x0100_0001
const UNLABELLED = 0x0100_0002

const INVENTORY = `
identities:
  1000: [k8s:app=web, k8s:io.kubernetes.pod.namespace=shop]
  1001: [k8s:app=api, k8s:k8s-app=kube-api, k8s:io.kubernetes.pod.namespace=shop]
  1002: [k8s:app=db, k8s:k8s-app=kdb, k8s:app.kubernetes.io/name=postgres, k8s:io.kubernetes.pod.namespace=data]
  1003: [k8s:tier=odd]
  ${PARTNER}: [cidr:0.0.0.0/0, cidr:203.0.113.0/24, cidr:203.0.0.0/16, reserved:world]
  ${UNLABELLED}: [reserved:world]
  ${PARTNER + 5}: ["cidr:2001-db8--/32", reserved:world]
  ${REMOTE_NODE}: [reserved:remote-node, k8s:zone=a]
endpoints:
- {id: 7, ips: [10.1.0.1, "fd00::1"], identity: 1000, namespace: shop, pod: web-1, workload: {kind: Deployment, name: web}, local: true}
- {id: 8, ips: [10.1.0.2], identity: 1000, namespace: shop, pod: web-2, workload: {kind: Deployment, name: web}}
- {id: 9, ips: [10.1.0.3], identity: 2000, namespace: lone, pod: lonely}
- {id: 10, ips: [10.1.0.4], identity: 4}
- {id: 11, ips: [10.1.0.5], identity: 1002}
cidrs:
  0.0.0.0/0: 2
  ::/0: 2
  10.0.0.7/32: 1
  10.0.0.8/32: 7
  203.0.113.0/24: ${PARTNER}
  203.0.113.128/25: ${UNLABELLED}
  2001:db8::/32: ${PARTNER + 5}
`

const entitiesOfInventory = () => entitiesOf(parseInventory(INVENTORY, 'inventory.yaml'))
const v4 = (text: string) => parseAddress(text).subarray(12)

/** Namespace, workload and pod. */
function namesOf(entities: Entities, entity: number) {
  return [entities.namespace(entity), entities.workload(entity), entities.pod(entity)]
}

t.test('an endpoint is found by each of its addresses, in 4 or 16 bytes and at any offset', async t => {
  const entities = entitiesOfInventory()
  const bytes = Uint8Array.of(1, 2, 3, ...v4('10.1.0.1'), ...parseAddress('fd00::1'), ...parseAddress('10.1.0.1'))
  const entity = entities.resolve(bytes, 3, false, 0)
  t.not(entity, 0)
  t.equal(entities.resolve(bytes, 7, true, 0), entity)
  t.equal(entities.resolve(bytes, 23, true, 0), entity, 'IPv4 mapped into IPv6')
  t.same(namesOf(entities, entity), ['shop', 'web', 'web-1'])
  t.equal(entities.identity(entity), 1000)
  t.equal(entities.endpoint(entity), 7)
  t.equal(entities.workloadKind(entity), 'Deployment')
  t.same(entities.labels(entity), ['k8s:app=web', 'k8s:io.kubernetes.pod.namespace=shop'])
  t.equal(entities.misses, 0)
})

t.test('an endpoint without a workload is named after its pod, else after its identity', async t => {
  const entities = entitiesOfInventory()
  const at = (text: string) => namesOf(entities, entities.resolve(v4(text), 0, false, 0))
  t.same(at('10.1.0.2'), ['shop', 'web', 'web-2'])
  t.same(at('10.1.0.3'), ['lone', 'lonely', 'lonely'])
  t.same(at('10.1.0.4'), ['', 'health', ''])
  t.same(at('10.1.0.5'), ['data', 'postgres', ''])
  t.equal(
    entities.endpoint(entities.resolve(v4('10.1.0.2'), 0, false, 0)),
    0,
    'endpoint ids of other nodes have no meaning on this node',
  )
})

t.test('an identity without an address has the names of its labels or of its reserved number', async t => {
  const entities = entitiesOfInventory()
  for (const [identity, namespace, workload] of [
    [1, '', 'host'],
    [2, '', 'world'],
    [3, '', 'unmanaged'],
    [4, '', 'health'],
    [5, '', 'init'],
    [6, '', 'remote-node'],
    [7, '', 'kube-apiserver'],
    [8, '', 'ingress'],
    [9, '', 'world-ipv4'],
    [10, '', 'world-ipv6'],
    [1000, 'shop', 'web'],
    [1001, 'shop', 'kube-api'],
    [1002, 'data', 'postgres'],
    [1003, '', ''],
    [PARTNER, '', '203.0.113.0/24'],
    [UNLABELLED, '', 'world'],
    [PARTNER + 5, '', '2001:db8::/32'],
    [REMOTE_NODE, '', 'remote-node'],
  ] as const) {
    const entity = entities.byIdentity(identity)
    t.same([entities.identity(entity), ...namesOf(entities, entity)], [identity, namespace, workload, ''])
  }
  t.equal(entities.misses, 0)
  t.equal(entities.byIdentity(4711), 0)
  t.equal(entities.byIdentity(0), 0)
  t.equal(entities.misses, 2)
  t.same(namesOf(entities, 0), ['', 'unknown', ''])
})

t.test('an address without an endpoint has the identity of its longest prefix', async t => {
  const entities = entitiesOfInventory()
  for (const [text, identity] of [
    ['8.8.8.8', 2],
    ['10.0.0.7', 1],
    ['10.0.0.8', 7],
    ['203.0.113.1', PARTNER],
    ['203.0.113.127', PARTNER],
    ['203.0.113.128', UNLABELLED],
    ['203.0.112.255', 2],
  ] as const) {
    t.equal(entities.identity(entities.resolve(v4(text), 0, false, 0)), identity, text)
    t.equal(entities.identity(entities.resolve(parseAddress(text), 0, true, 0)), identity, `mapped ${text}`)
  }
  t.equal(entities.identity(entities.resolve(parseAddress('2001:db8:1::1'), 0, true, 0)), PARTNER + 5)
  t.equal(entities.identity(entities.resolve(parseAddress('2001:db9::'), 0, true, 0)), 2)
})

t.test(
  "an endpoint wins over the record's identity; otherwise the more specific of record and prefix wins",
  async t => {
    const entities = entitiesOfInventory()
    for (const [text, recordIdentity, identity] of [
      ['10.1.0.1', 1001, 1000],
      ['10.1.0.1', 2, 1000],
      ['8.8.8.8', 1001, 1001],
      ['8.8.8.8', 6, 6],
      ['8.8.8.8', REMOTE_NODE, REMOTE_NODE],
      ['8.8.8.8', PARTNER, PARTNER],
      ['8.8.8.8', 9, 2],
      ['8.8.8.8', 4711, 2],
      ['203.0.113.1', 2, PARTNER],
      ['203.0.113.1', 1, 1],
      ['10.0.0.8', 1, 7],
      ['10.0.0.8', 1000, 1000],
    ] as const) {
      t.equal(
        entities.identity(entities.resolve(v4(text), 0, false, recordIdentity)),
        identity,
        `${text} with identity ${recordIdentity}`,
      )
    }
    t.equal(entities.identity(entities.resolve(v4('8.8.8.8'), -1, false, 1001)), 1001, 'a record without a packet')
    t.equal(entities.misses, 0)
  },
)

t.test('an address without any name is entity 0 and counts as a miss', async t => {
  const entities = entitiesOf(parseInventory('endpoints: [{ips: [10.0.0.1], identity: 500}]', 'w'))
  t.equal(entities.resolve(v4('10.0.0.2'), 0, false, 0), 0)
  t.equal(entities.resolve(v4('10.0.0.2'), 0, false, 4711), 0)
  t.equal(entities.resolve(v4('10.0.0.2'), -1, false, 0), 0)
  t.equal(entities.resolve(parseAddress('::'), 0, true, 0), 0)
  t.equal(entities.resolve(v4('0.0.0.0'), 0, false, 0), 0)
  t.equal(entities.misses, 5)
  t.equal(entities.identity(entities.resolve(v4('10.0.0.2'), 0, false, 2)), 2)
  t.equal(entities.misses, 5)
})

t.test('an address of two endpoints belongs to the local one, else to the later one', async t => {
  const twice = (first: boolean, second: boolean) => {
    const text = `endpoints:
- {ips: [10.0.0.1], identity: 500, pod: first, local: ${first}}
- {ips: [10.0.0.1], identity: 501, pod: second, local: ${second}}`
    const entities = entitiesOf(parseInventory(text, 'w'))
    t.equal(entities.prefixes().length, 1)
    const entity = entities.resolve(v4('10.0.0.1'), 0, false, 0)
    t.equal(entities.prefixes()[0]!.entity, entity, 'the kernel has the same entity')
    return entities.pod(entity)
  }
  t.equal(twice(false, false), 'second')
  t.equal(twice(true, true), 'second')
  t.equal(twice(true, false), 'first')
  t.equal(twice(false, true), 'second')
})

t.test('prefixes() has the CIDRs and endpoint addresses with their identities and local endpoint ids', async t => {
  const entities = entitiesOfInventory()
  const list = entities.prefixes().map(prefix => {
    return [formatPrefix(prefix), prefix.bits, prefix.identity, entities.identity(prefix.entity), prefix.endpoint]
  })
  t.same(list.slice(0, 3), [
    ['0.0.0.0/0', 96, 2, 2, 0],
    ['::/0', 0, 2, 2, 0],
    ['10.0.0.7/32', 128, 1, 1, 0],
  ])
  t.same(
    list.filter(([, bits, identity]) => bits === 128 && identity === 1000),
    [
      ['10.1.0.1/32', 128, 1000, 1000, 7],
      ['fd00::1/128', 128, 1000, 1000, 7],
      ['10.1.0.2/32', 128, 1000, 1000, 0],
    ],
  )
})

t.test('an endpoint wins over a CIDR of its address, and ::/0 does not apply to IPv4', async t => {
  const entities = entitiesOf(
    parseInventory('endpoints: [{ips: [10.0.0.1], identity: 500}]\ncidrs: {10.0.0.1/32: 1, "::/0": 2}', 'w'),
  )
  const list = entities
    .prefixes()
    .map(prefix => [formatPrefix(prefix), prefix.identity, entities.identity(prefix.entity)])
  t.same(list, [
    ['10.0.0.1/32', 500, 500],
    ['::/0', 2, 2],
    ['0.0.0.0/0', 0, 0],
  ])
  t.equal(entities.resolve(v4('10.0.0.2'), 0, false, 0), 0)
})

/** The entity of the longest prefix in prefixes(), bit by bit, as in the kernel's trie. */
function longestPrefix(entities: Entities, address: Uint8Array): number {
  let best = { bits: -1, entity: 0 }
  for (const prefix of entities.prefixes()) {
    let same = 0
    while (same < prefix.bits && ((address[same >> 3]! ^ prefix.addr[same >> 3]!) & (0x80 >> (same & 7))) === 0) same++
    if (same === prefix.bits && prefix.bits > best.bits) best = prefix
  }
  return best.entity
}

t.test('resolve() agrees with the longest prefix in prefixes() for any inventory and address', async () => {
  const octet = fc.constantFrom(0, 1, 127, 128, 255)
  const four = fc.tuple(octet, octet, octet, octet).map(bytes => bytes.join('.'))
  const six = fc.tuple(octet, octet, octet).map(([a, b, c]) => `fd00:${a}::${b}:${c}`)
  const prefix = fc.oneof(
    fc.tuple(four, fc.nat(32)).map(([text, bits]) => `${text}/${bits}`),
    fc.tuple(six, fc.nat(128)).map(([text, bits]) => `${text}/${bits}`),
  )
  const identity = fc.integer({ min: 1, max: 40 })
  const endpoint = fc.record({ ips: fc.array(fc.oneof(four, six), { maxLength: 3 }), identity, local: fc.boolean() })
  const inventories = fc.record({
    endpoints: fc.array(endpoint, { maxLength: 20 }),
    cidrs: fc.dictionary(prefix, identity, { maxKeys: 20 }),
  })
  fc.assert(
    fc.property(inventories, fc.array(fc.oneof(four, six), { minLength: 1, maxLength: 20 }), (spec, addresses) => {
      const entities = entitiesOf(parseInventory(JSON.stringify(spec), 'w'))
      for (const text of [...addresses, ...spec.endpoints.flatMap(({ ips }) => ips)]) {
        const address = parseAddress(text)
        if (entities.resolve(address, 0, true, 0) !== longestPrefix(entities, address)) return false
        if (text.includes('.') && entities.resolve(address, 12, false, 0) !== longestPrefix(entities, address))
          return false
      }
      return true
    }),
    { numRuns: 300 },
  )
})

t.test('all addresses of 20,000 endpoints are found', async t => {
  const ips = Array.from({ length: 20_000 }, (_, i) => [
    `10.${i >> 14}.${(i >> 7) & 127}.${i & 127}`,
    `fd00:${i.toString(16)}::${((i * 7) & 0xffff).toString(16)}`,
  ])
  const endpoints = ips.map((pair, i) => ({ ips: pair, identity: 1000, pod: `pod-${i}` }))
  const entities = entitiesOf(parseInventory(JSON.stringify({ endpoints }), 'w'))
  const wrong = ips.filter(([four, six], i) => {
    const entity = entities.resolve(v4(four!), 0, false, 0)
    return entities.pod(entity) !== `pod-${i}` || entities.resolve(parseAddress(six!), 0, true, 0) !== entity
  })
  t.same(wrong, [])
  t.equal(entities.count, 12 + 1 + Object.keys(SPECIAL).length + 20_000)
  t.equal(entities.misses, 0)
})

t.test('every address of the example inventory has the names of its endpoint', async t => {
  const inventory = loadInventory('examples/inventory.json')
  const entities = entitiesOf(inventory)
  for (const { ips, namespace, pod, workload, identity, id, local } of inventory.endpoints) {
    for (const ip of ips) {
      const entity = entities.resolve(parseAddress(ip), 0, true, 0)
      const found = [...namesOf(entities, entity), entities.identity(entity), entities.endpoint(entity)]
      if (found.join() !== [namespace, workload?.name, pod, identity, local ? id : 0].join()) t.fail(`${ip}: ${found}`)
    }
  }
  t.equal(entities.prefixes().length, 360 + 6)
  t.equal(parsePrefix('93.184.0.0/16').bits, 112)
  t.same(namesOf(entities, entities.resolve(v4('93.184.216.34'), 0, false, 0)), ['', '93.184.0.0/16', ''])
})
