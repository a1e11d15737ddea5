/**
 * service.test.ts - a Service's connections have the backend's name at both nodes, whatever the address translation did.
 *
 * Two nodes with kube-proxy's translation by nftables, and Weir on each. Every subtest has pods of its own, so that each
 * count is its own.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { needsRoot } from '../support/gauged-lab.js'
import { flow } from '../support/ledger.js'
import type { Labels, Samples } from '../support/samples.js'
import { TwoNodes } from '../support/two-nodes.js'
import { until } from '../support/until.js'

const NETWORK = 45
const pod = (name: string) => ({ name, namespace: 'shop', workload: name })
const LABELS = [
  'source_namespace',
  'source_workload',
  'destination_namespace',
  'destination_workload',
  'destination_service',
]
const FAMILIES = JSON.stringify({
  weir_connections_opened_total: { labels: LABELS },
  weir_inter_zone_bytes_total: { enabled: true },
})
const SERVICE = { local: '10.96.0.10', remote: '10.96.0.20', spare: '10.96.0.30', lost: '10.96.0.40' }

const sent = (samples: Samples, labels: Partial<Labels>) => flow(samples, { ...labels, reporter: 'source' }).bytes
const opened = (samples: Samples, labels: Partial<Labels>) => samples.sum('weir_connections_opened_total', labels)

t.test('a cluster of two nodes', needsRoot, async t => {
  const nodes = await TwoNodes.start(t, {
    network: NETWORK,
    pods: [
      ['web', 'early', 'selfish', 'sender', 'reuser', 'asker', 'talker', 'api', 'old', 'new', 'sink'].map(pod),
      ['db', 'outside', 'far'].map(pod),
    ],
    world: ['outside'],
    services: Object.entries(SERVICE).map(([name, ip]) => ({ name: `${name}-svc`, ip })),
    args: ['--report-interval', '1s', '--families', FAMILIES],
  })
  const [api, old, fresh, db] = ['api', 'old', 'new', 'db'].map(name => nodes.pod(name)) as [P, P, P, P]
  const backend = { local: api.ipv4, remote: db.ipv4, spare: old.ipv4 }
  const services = (spare: string) => [
    `${SERVICE.local} . 80 : ${backend.local} . 8080`,
    `${SERVICE.remote} . 80 : ${backend.remote} . 8080`,
    `${SERVICE.spare} . 80 : ${spare} . 8080`,
    `${SERVICE.spare} . 53 : ${spare} . 53`,
    `${SERVICE.spare} . 8125 : ${spare} . 8125`,
    `${SERVICE.local} . 8125 : ${nodes.pod('sink').ipv4} . 8125`,
    `${SERVICE.local} . 81 : ${nodes.pod('selfish').ipv4} . 8080`,
  ]
  const ports = [`30080 : ${api.ipv4} . 8080`, `30090 : ${db.ipv4} . 8080`]
  await nodes.forward(0, { services: services(old.ipv4), nodePorts: ports })
  await nodes.forward(1, { services: services(old.ipv4), nodePorts: ports, masquerade: false })
  for (const server of [api, old, fresh, db, nodes.pod('selfish')])
    await server.agent.call('tcpServe', { ports: [8080] })
  for (const server of [old, fresh]) await server.agent.call('udpServe', { port: 53, answer: 'echo' })
  await nodes.pod('sink').agent.call('udpServe', { port: 8125, answer: 'none' })

  // Before Weir starts.
  const early = nodes.pod('early').spawn([
    process.execPath,
    '-e',
    `const s = require('net').connect(80, '${SERVICE.remote}', () => console.log('open'))
     process.stdin.on('data', () => s.write('x'.repeat(100)))`,
  ])
  await new Promise(resolve => early.stdout!.once('data', resolve))
  await nodes.watch()

  await t.test('ClusterIP, backend on this node and on the other', async t => {
    const web = nodes.pod('web')
    await web.agent.call('tcpStorm', { host: SERVICE.local, ports: [80], count: 20, concurrency: 4 })
    await web.agent.call('tcpStorm', { host: SERVICE.remote, ports: [80], count: 30, concurrency: 4 })
    const [one, two] = await nodes.pages()
    const [toApi, toDb] = [
      { source_workload: 'web', destination_workload: 'api' },
      { source_workload: 'web', destination_workload: 'db' },
    ]
    for (const reporter of ['source', 'destination'])
      t.equal(opened(one, { ...toApi, reporter }), 20, `api, ${reporter}`)
    t.equal(
      opened(one, { ...toDb, reporter: 'source', destination_service: 'remote-svc' }),
      30,
      'with the Service asked for',
    )
    t.equal(opened(two, { ...toDb, reporter: 'destination' }), 30)
    t.strictSame(
      flow(one, { ...toDb, reporter: 'source' }),
      flow(two, { ...toDb, reporter: 'destination' }),
      'to the byte',
    )
    const answers = { source_workload: 'db', destination_workload: 'web' }
    t.strictSame(flow(two, { ...answers, reporter: 'source' }), flow(one, { ...answers, reporter: 'destination' }))
    t.equal(
      flow(one, { source_workload: 'web', destination_workload: 'remote-svc' }).packets,
      0,
      'no Service as a peer',
    )
    t.equal(one.sum('weir_tcp_handshake_seconds_count', { ...toDb, reporter: 'source' }), 30, 'with handshakes')
    t.equal(one.sum('weir_connections_active', toApi), 0, 'opened and closed under one name')
    const zones = { source_zone: 'zone-1', destination_zone: 'zone-2' }
    t.equal(
      one.sum('weir_inter_zone_bytes_total', zones),
      sent(one, toDb) + sent(one, { source_workload: 'early' }),
      'zones are those of the pods',
    )
    t.equal(one.get('weir_service_unresolved_connections_total'), 0)
  })

  await t.test('a connection from before Weir started', async t => {
    early.stdin!.write('x')
    const from = { source_workload: 'early', destination_workload: 'db' }
    await until(
      'the connection is named',
      async () => (await nodes.pages())[0].sum('weir_connections_active', from) === 1,
    )
    const [one, two] = await nodes.pages()
    t.strictSame(flow(one, { ...from, reporter: 'source' }), flow(two, { ...from, reporter: 'destination' }))
    t.equal(flow(one, { source_workload: 'early', destination_workload: 'remote-svc' }).packets, 0)
    early.kill('SIGKILL')
  })

  await t.test('node ports: the client is the real one, masqueraded or not', async t => {
    const outside = nodes.pod('outside')
    const storm = { count: 10, concurrency: 2 }
    await outside.agent.call('tcpStorm', { host: nodes.addresses[0], ports: [30080], ...storm })
    await outside.agent.call('tcpStorm', { host: nodes.addresses[1], ports: [30090], ...storm })
    const [one, two] = await nodes.pages()
    const reporter = 'destination'
    t.equal(opened(one, { source_workload: 'world', destination_workload: 'api', reporter }), 10, 'policy Cluster')
    t.equal(opened(two, { source_workload: 'world', destination_workload: 'db', reporter }), 10, 'policy Local')
    t.equal(opened(one, { source_workload: 'host', destination_workload: 'api', reporter }), 0)
  })

  await t.test("a pod reaches a node port of its own node: the node's address was the backend", async t => {
    const far = nodes.pod('far')
    await far.agent.call('tcpStorm', { host: nodes.addresses[1], ports: [30090], count: 5, concurrency: 1 })
    const [, two] = await nodes.pages()
    for (const reporter of ['source', 'destination'])
      t.equal(opened(two, { source_workload: 'far', destination_workload: 'db', reporter }), 5, reporter)
    t.equal(flow(two, { source_workload: 'far', destination_workload: 'host' }).packets, 0)
  })

  await t.test('hairpin: a pod that calls itself by its Service', async t => {
    await nodes.pod('selfish').agent.call('tcpStorm', { host: SERVICE.local, ports: [81], count: 6, concurrency: 1 })
    const [one] = await nodes.pages()
    const itself = { source_workload: 'selfish', destination_workload: 'selfish' }
    for (const reporter of ['source', 'destination']) t.equal(opened(one, { ...itself, reporter }), 6, reporter)
    const masqueraded = { source_workload: 'host', destination_workload: 'selfish', verdict: 'FORWARDED' }
    t.equal(flow(one, masqueraded).packets, 0)
  })

  await t.test('one-way UDP, which no packet comes back for', async t => {
    const sender = nodes.pod('sender')
    await sender.agent.call('udpSend', { host: SERVICE.local, port: 8125, count: 40, size: 100 })
    const from = { source_workload: 'sender', destination_workload: 'sink' }
    await until(
      'conntrack was asked',
      async () => opened((await nodes.pages())[0], { ...from, reporter: 'source' }) === 1,
    )
    const [one] = await nodes.pages()
    t.equal(flow(one, { ...from, reporter: 'source' }).packets, 40)
    t.strictSame(flow(one, { ...from, reporter: 'source' }), flow(one, { ...from, reporter: 'destination' }))
    t.equal(opened(one, { ...from, destination_service: 'local-svc', reporter: 'source' }), 1)
  })

  await t.test('a Service that nothing translates keeps its name, and is counted', async t => {
    const before = (await nodes.pages())[0].get('weir_service_unresolved_connections_total')!
    await nodes.pod('web').agent.call('udpSend', { host: SERVICE.lost, port: 9, count: 3, size: 10 })
    const to = { source_workload: 'web', destination_workload: 'lost-svc', reporter: 'source' }
    await until('the Service is named', async () => flow((await nodes.pages())[0], to).packets === 3)
    t.equal((await nodes.pages())[0].get('weir_service_unresolved_connections_total'), before + 1)
    const drops = { source_workload: 'web', destination_workload: 'lost-svc' }
    t.equal((await nodes.pages())[0].sum('weir_drop_packets_total', drops), 3, 'drops by its address name it, too')
    t.equal(flow((await nodes.pages())[0], { source_workload: 'web', destination_workload: 'world' }).packets, 0)
  })

  await t.test('the same ports again, to another backend of the Service', async t => {
    const reuser = nodes.pod('reuser')
    const call = `const s = require('net').connect({ port: 80, host: '${SERVICE.spare}', localPort: 45678 })
      s.on('connect', () => s.write('x'.repeat(500))); s.on('data', () => {}); setTimeout(() => s.resetAndDestroy(), 300)`
    await nodes.script(reuser, call)
    await nodes.forward(0, { services: services(fresh.ipv4), nodePorts: ports })
    await nodes.script(reuser, call)
    const [one] = await nodes.pages()
    for (const destination_workload of ['old', 'new']) {
      const to = { source_workload: 'reuser', destination_workload }
      for (const reporter of ['source', 'destination']) t.equal(opened(one, { ...to, reporter }), 1, reporter)
      t.strictSame(
        flow(one, { ...to, reporter: 'source' }),
        flow(one, { ...to, reporter: 'destination' }),
        `to the byte: ${destination_workload}`,
      )
      t.equal(one.sum('weir_connections_active', to), 0)
    }
  })

  await t.test('UDP from one socket, after its conntrack entry expired and the backend changed', async t => {
    await nodes.forward(0, { services: services(old.ipv4), nodePorts: ports })
    const asker = nodes.pod('asker')
    const timeout = 'net.netfilter.nf_conntrack_udp_timeout'
    await nodes.labs[0].run('node', ['sysctl', '-qw', `${timeout}=1`, `${timeout}_stream=1`])
    const child = asker.spawn([
      process.execPath,
      '-e',
      `const s = require('dgram').createSocket('udp4'); let left = 0
       const ask = () => left-- > 0 ? s.send('x'.repeat(50), 53, '${SERVICE.spare}') : console.log('done')
       s.on('message', ask); process.stdin.on('data', () => { left = 10; ask() })`,
    ])
    const round = async () => {
      const done = new Promise(resolve => child.stdout!.once('data', resolve))
      child.stdin!.write('x')
      await done
    }
    await round()
    await sleep(2500)
    await nodes.forward(0, { services: services(fresh.ipv4), nodePorts: ports })
    await round()
    child.kill('SIGKILL')
    const [one] = await nodes.pages()
    const answers = (source_workload: string) =>
      flow(one, { source_workload, destination_workload: 'asker', reporter: 'destination' }).packets
    const questions = (destination_workload: string) =>
      flow(one, { source_workload: 'asker', destination_workload, reporter: 'source' }).packets
    t.strictSame([answers('old'), answers('new')], [10, 10], 'answers are exact')
    // The first question to the new backend precedes the packet that shows it.
    t.strictSame([questions('old'), questions('new')], [11, 9])
    t.equal(one.sum('weir_connections_active', { source_workload: 'asker', reporter: 'source' }), 1)
  })

  await t.test('one-way UDP goes on with another backend after its conntrack entry expired', async t => {
    await nodes.forward(0, { services: services(old.ipv4), nodePorts: ports })
    for (const server of [old, fresh]) await server.agent.call('udpServe', { port: 8125, answer: 'none' })
    const child = nodes.pod('talker').spawn([
      process.execPath,
      '-e',
      `const s = require('dgram').createSocket('udp4')
       process.stdin.on('data', () => { for (let i = 0; i < 10; i++) s.send('x'.repeat(50), 8125, '${SERVICE.spare}') })`,
    ])
    const packets = async () => {
      const [one] = await nodes.pages()
      const to = (destination_workload: string) => ({
        source_workload: 'talker',
        destination_workload,
        reporter: 'source',
      })
      return ['old', 'new'].map(name => flow(one, to(name)).packets)
    }
    child.stdin!.write('x')
    await until('the first backend is known', async () => `${await packets()}` === '10,0')
    await sleep(2500) // with the timeouts of above
    await nodes.forward(0, { services: services(fresh.ipv4), nodePorts: ports })
    child.stdin!.write('x')
    await until('conntrack was asked again', async () => `${await packets()}` === '10,10')
    child.stdin!.write('x')
    await until('it is the same backend', async () => `${await packets()}` === '10,20')
    child.kill('SIGKILL')
    const [one] = await nodes.pages()
    const active = (destination_workload: string) =>
      one.sum('weir_connections_active', { source_workload: 'talker', destination_workload, reporter: 'source' })
    t.strictSame([active('old'), active('new')], [0, 1], 'the connection is active at one of them')
  })
})

type P = ReturnType<TwoNodes['pod']>
