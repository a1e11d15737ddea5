/**
 * traffic.test.ts - a pod's agent sends exactly what it was asked to, and reports the result.
 */
import t from 'tap'
import { Lab } from '../../src/lab/lab.js'
import { bulk } from '../../src/lab/traffic.js'

const PORTS = [8001, 8002, 8003, 8004]

t.test('an agent in a pod', { skip: process.getuid?.() !== 0 && 'needs root' }, async t => {
  const lab = await Lab.create([
    { name: 'client', namespace: 'n', workload: 'client' },
    { name: 'server', namespace: 'n', workload: 'server' },
  ])
  t.teardown(() => lab.destroy())
  const [client, server] = [lab.pod('client'), lab.pod('server')]
  await server.agent.call('tcpServe', { ports: PORTS })

  t.test('opens and closes as many connections as asked, over IPv4 and IPv6', async t => {
    for (const host of [server.ipv4, server.ipv6]) {
      const before = await server.agent.call('tcpReceived', {})
      const storm = { host, ports: PORTS, count: 500, concurrency: 20, size: 1000 }
      t.strictSame(await client.agent.call('tcpStorm', storm), { succeeded: 500, failed: 0, errors: {} })
      const after = await server.agent.call('tcpReceived', {})
      t.equal(after.connections - before.connections, 500)
      t.equal(after.bytes - before.bytes, 500_000)
    }
  })

  t.test('closes by reset when asked: no FIN, one RST a connection', async t => {
    const { stdout: before } = await client.exec(['cat', '/proc/net/snmp'])
    const storm = { host: server.ipv4, ports: PORTS, count: 200, concurrency: 10, close: 'reset' } as const
    t.match(await client.agent.call('tcpStorm', storm), { succeeded: 200, failed: 0 })
    const { stdout: after } = await client.exec(['cat', '/proc/net/snmp'])
    t.equal(resetsSent(after) - resetsSent(before), 200)
  })

  t.test('counts connections that failed, by reason', async t => {
    const refused = { host: server.ipv4, ports: [9], count: 10, concurrency: 2 }
    t.strictSame(await client.agent.call('tcpStorm', refused), {
      succeeded: 0,
      failed: 10,
      errors: { ECONNREFUSED: 10 },
    })
    await lab.nft(`table inet t {
      chain f {
        type filter hook forward priority filter
        tcp dport 7 drop
      }
    }`)
    const dropped = { host: server.ipv6, ports: [7], count: 3, concurrency: 3, timeoutMs: 100 }
    t.strictSame(await client.agent.call('tcpStorm', dropped), { succeeded: 0, failed: 3, errors: { ETIMEDOUT: 3 } })
  })

  t.test('sends an exact number of datagrams, and gets each back on request', async t => {
    await server.agent.call('udpServe', { port: 9000, answer: 'echo' })
    for (const host of [server.ipv4, server.ipv6]) {
      const before = await server.agent.call('udpReceived', { port: 9000 })
      const sent = await client.agent.call('udpSend', { host, port: 9000, count: 333, size: 512, echo: true })
      t.strictSame(sent, { sent: 333, echoed: 333 })
      const after = await server.agent.call('udpReceived', { port: 9000 })
      t.equal(after.datagrams - before.datagrams, 333)
      t.equal(after.bytes - before.bytes, 333 * 512)
    }
    const unanswered = { host: server.ipv4, port: 9, count: 3, size: 10 }
    t.strictSame(await client.agent.call('udpSend', unanswered), { sent: 3, echoed: 0 })
  })

  t.test('asks and answers DNS', async t => {
    await server.agent.call('udpServe', { port: 53, answer: 'dns' })
    const names = ['api.shop.svc', 'nowhere.example', 'web.shop.svc']
    const answers = await client.agent.call('dnsQuery', { host: server.ipv4, port: 53, names })
    t.strictSame(answers, { NOERROR: 2, NXDOMAIN: 1 })
    await server.agent.call('udpServe', { port: 54, answer: 'none' })
    const unanswered = { host: server.ipv4, port: 54, names: ['a.svc'], timeoutMs: 50 }
    t.strictSame(await client.agent.call('dnsQuery', unanswered), { timeout: 1 })
  })

  t.test('serves HTTP, and says 502 when its upstream does not answer', async t => {
    const tcp = { kind: 'tcp', host: server.ipv4, port: 8001 } as const
    await server.agent.call('httpServe', { port: 8080, upstream: tcp })
    await server.agent.call('httpServe', { port: 8081, upstream: { kind: 'http', host: server.ipv6, port: 8080 } })
    await server.agent.call('httpServe', { port: 8082, upstream: { ...tcp, port: 9 } })
    const load = { host: server.ipv4, count: 20, concurrency: 5 }
    t.strictSame(await client.agent.call('httpLoad', { ...load, port: 8081 }), { '200': 20 })
    t.strictSame(await client.agent.call('httpLoad', { ...load, port: 8082, keepAlive: true }), { '502': 20 })
    t.strictSame(await client.agent.call('httpLoad', { ...load, port: 9 }), { ECONNREFUSED: 20 })
  })

  t.test('streams by iperf3, and the links carried at least as much', async t => {
    const before = await lab.linkCounters(client)
    const { bytes } = await bulk(client, server, server.ipv4, { seconds: 1, bitsPerSecond: 50_000_000 })
    const after = await lab.linkCounters(client)
    t.ok(bytes > 0)
    t.ok(after.rx.bytes - before.rx.bytes > bytes)
    await t.rejects(bulk(client, server, '10.77.255.1', { seconds: 1 }), /iperf3 from client to 10.77.255.1/)
  })

  t.test('says what went wrong: a refused call, a deadline, an agent that died', async t => {
    await t.rejects(server.agent.call('tcpServe', { ports: [8001] }), /agent of server: .*EADDRINUSE/)
    const slow = { host: server.ipv4, port: 54, names: ['a.svc'], timeoutMs: 5_000 }
    await t.rejects(client.agent.call('dnsQuery', slow, 20), /agent of client: no answer to dnsQuery in 20 ms/)
    const doomed = await lab.addPod({ name: 'doomed', namespace: 'n', workload: 'doomed' })
    await doomed.agent.call('udpServe', { port: 1, answer: 'none' })
    const waiting = doomed.agent.call('dnsQuery', { ...slow, host: doomed.ipv4, port: 1 })
    await Promise.all([t.rejects(waiting, /agent of doomed: ended \(SIGKILL\)/), lab.removePod('doomed')])
    await t.rejects(doomed.agent.call('tcpReceived', {}), /agent of doomed: ended/)
  })
})

/** OutRsts of /proc/net/snmp: a line of names, then a line of values. */
function resetsSent(snmp: string): number {
  const [names = [], values = []] = snmp
    .split('\n')
    .filter(line => line.startsWith('Tcp:'))
    .map(line => line.split(' '))
  return Number(values[names.indexOf('OutRsts')])
}
