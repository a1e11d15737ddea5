/**
 * inventory.test.ts - the inventory file: its contents, and the error for each mistake.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { stringify } from 'yaml'
import { defaultInventory, loadInventory, parseInventory } from '../../../src/datapath/inventory/inventory.js'

const FIXTURE = 'examples/inventory.json'

t.test('every part of a JSON inventory file is read', async t => {
  const inventory = loadInventory(FIXTURE)
  t.equal(Object.keys(inventory.identities).length, 61)
  t.equal(inventory.endpoints.length, 180)
  t.same(inventory.endpoints[1], {
    id: 101,
    ips: ['10.201.0.11', 'fd00:a1::1'],
    identity: 1000,
    namespace: 'kube-system',
    pod: 'app-0-7d9f8b6c5-00001',
    workload: { kind: 'Deployment', name: 'app-0' },
    app: '',
    service: '',
    node: '',
    zone: '',
    local: false,
  })
  t.equal(inventory.cidrs['93.184.0.0/16'], 16777217)
  t.same(inventory.services, [{ ip: '10.200.0.10', port: 53, namespace: 'kube-system', name: 'kube-dns' }])
  t.same(inventory.dns, { '93.184.216.34': ['example.com'] })
  t.equal(inventory.links['2'], 'eth0')
  t.equal(inventory.cgroups['5000'], 'shop/app-1-0/10.200.1.10')
})

t.test('an inventory in YAML equals the same inventory in JSON', async t => {
  const json = readFileSync(FIXTURE, 'utf8')
  t.same(parseInventory(stringify(JSON.parse(json)), 'inventory.yaml'), parseInventory(json, 'w.json'))
})

t.test('a missing key is empty, and an endpoint needs only addresses and an identity', async t => {
  const empty = { identities: {}, endpoints: [], nodes: [], cidrs: {}, services: [], dns: {}, links: {}, cgroups: {} }
  t.same(parseInventory('', 'inventory.yaml'), empty)
  t.same(parseInventory('{}', 'w.json'), empty)
  t.same(parseInventory('endpoints:\n- ips: [10.0.0.1]\n  identity: 5\n', 'inventory.yaml').endpoints, [
    {
      id: 0,
      ips: ['10.0.0.1'],
      identity: 5,
      namespace: '',
      pod: '',
      app: '',
      service: '',
      node: '',
      zone: '',
      local: false,
    },
  ])
})

t.test('YAML keys that look like numbers or addresses are keys', async t => {
  const inventory = parseInventory(
    'identities:\n  1000: [k8s:app=a]\ncidrs:\n  ::/0: 2\n  fd00::/8: 3\n  10.0.0.0/8: 4\n',
    'inventory.yaml',
  )
  t.same(inventory.identities, { 1000: ['k8s:app=a'] })
  t.same(inventory.cidrs, { '::/0': 2, 'fd00::/8': 3, '10.0.0.0/8': 4 })
})

t.test('every mistake is reported in one line with file, line, key, value and allowed values', async t => {
  const endpoint = (text: string) => `endpoints:\n  - ips: [10.0.0.1]\n    identity: 5\n    ${text}\n`
  for (const [text, message] of [
    [
      'wrold: 5',
      'w:1: wrold: unknown key; allowed: identities, endpoints, nodes, cidrs, services, dns, links, cgroups',
    ],
    [
      endpoint('nodes: 5'),
      'w:4: endpoints[0].nodes: unknown key; allowed: id, ips, identity, namespace, pod, workload, app, service, node, zone, local',
    ],
    ['endpoints:\n  - ips: [10.0.0.1]\n    identty: 5', 'w:3: endpoints[0].identty: unknown key; allowed: id, ips'],
    [
      'endpoints:\n- ips: [10.0.0.1]\n',
      'w:2: endpoints[0].identity: missing; allowed: an identity number, 0 to 4294967295',
    ],
    ['endpoints:\n- identity: 5\n', 'w:2: endpoints[0].ips: missing; allowed: a list of addresses'],
    [
      'endpoints:\n- ips:\n  - 10.0.0.1\n  - 10.0.0.300\n  identity: 5',
      'w:4: endpoints[0].ips[1]: "10.0.0.300"; allowed: an IPv4',
    ],
    [endpoint('id: 65536'), 'w:4: endpoints[0].id: 65536; allowed: an endpoint id, 0 to 65535'],
    [endpoint('local: yes'), 'w:4: endpoints[0].local: "yes"; allowed: true or false'],
    [endpoint('pod: 7'), 'w:4: endpoints[0].pod: 7; allowed: text'],
    [endpoint('workload: web'), 'w:4: endpoints[0].workload: "web"; allowed: a map with kind, name'],
    ['endpoints: 5', 'w:1: endpoints: 5; allowed: a list of endpoints'],
    ['cidrs:\n  10.0.0.0/33: 5', 'w:2: cidrs.10.0.0.0/33: "10.0.0.0/33"; allowed: ADDRESS/BITS'],
    ['cidrs:\n  10.0.0.0/8: world', 'w:2: cidrs.10.0.0.0/8: "world"; allowed: an identity number, 1 to'],
    ['identities:\n  web: [a]', 'w:2: identities.web: "web"; allowed: an identity number, 0 to 4294967295'],
    ['identities:\n  5: a', 'w:2: identities.5: "a"; allowed: a list of labels'],
    ['{"identities": {\n"5": [\n7]}}', 'w:3: identities.5[0]: 7; allowed: text'],
    ['services:\n- {ip: x, port: 1, namespace: a, name: b}', 'w:2: services[0].ip: "x"; allowed: an IPv4'],
    [
      'services:\n- {ip: ::1, port: 65536, namespace: a, name: b}',
      'w:2: services[0].port: 65536; allowed: a port number, 0 to 65535',
    ],
    ['dns:\n  web: [a]', 'w:2: dns.web: "web"; allowed: an IPv4'],
    ['links:\n  eth0: 1', 'w:2: links.eth0: "eth0"; allowed: an interface index'],
    ['cgroups:\n  x: a', 'w:2: cgroups.x: "x"; allowed: a cgroup id'],
    ['- 1', 'w:1: the file: [1]; allowed: a map with identities'],
    ['hello', 'w:1: the file: "hello"; allowed: a map with identities'],
    ['links:\n  1: a\n  1: b', 'w:3: not YAML: '],
    ['dns: [', 'w:1: not YAML: '],
    ['a: &a [1]\nb: *c', 'w'],
    ['{"dns": {},\n"dns" 5}', 'w:2: not JSON: '],
    ['{"dns": {\n', 'w:2: not JSON: '],
    ['endpoints: 1\ndns: 2\nlinks: 3', 'w:1: endpoints: 1; allowed: a list of endpoints (and 2 more)'],
  ] as const) {
    try {
      parseInventory(text, 'w')
      t.fail(`accepted ${text}`)
    } catch (error) {
      const reported = (error as Error).message
      t.ok(reported.startsWith(message), `${reported} starts with ${message}`)
      t.notMatch(reported, /\n/)
    }
  }
})

t.test('nested YAML aliases are refused before they are expanded', async t => {
  const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x]']
  for (let i = 1; i < 9; i++) bomb.push(`a${i}: &a${i} [${new Array(9).fill(`*a${i - 1}`).join(', ')}]`)
  t.throws(() => parseInventory(bomb.join('\n'), 'w'), { message: /^w: not YAML: [^\n]*$/ })
})

t.test('the error for an unreadable file names it', async t => {
  const dir = t.testdir({})
  const missing = join(dir, 'none.json')
  t.throws(() => loadInventory(missing), { message: `inventory file ${missing}: no such file` })
  t.throws(() => loadInventory(dir), { message: `inventory file ${dir}: is a directory` })
})

t.test('the default inventory has loopback as host, and world for the rest', async t => {
  t.same(defaultInventory().cidrs, { '0.0.0.0/0': 2, '::/0': 2, '127.0.0.0/8': 1, '::1/128': 1 })
})
