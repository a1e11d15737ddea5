/**
 * flow-api.test.ts - a running Weir on a lab, asked for its flows, records and status while pods talk.
 */
import t from 'tap'
import { ping } from '../../src/lab/traffic.js'
import { weir } from '../support/command.js'
import { Following } from '../support/following.js'
import { FLOW, RawObserver, REQUEST } from '../support/raw-observer.js'
import { socketPath } from '../support/served-flows.js'
import { until } from '../support/until.js'
import { labOf, ROOT, watch } from '../support/watched-lab.js'
import { encode } from '../support/wire.js'

/** Own to this test: a machine's drops are seen by every Weir on it. */
const NAMESPACE = `api-${process.pid}`
const CLIENT = `${NAMESPACE}/client`
const SERVER = `${NAMESPACE}/server`
const HTTP = 8080
const BLOCKED = 9999
/** Three commands start at once, maybe on a busy machine. */
const START_DEADLINE_MS = 60_000
/** No flush runs during the test: every record comes from the ring. */
const ARGS = ['--report-interval', '1h']
const TIME = /^\w{3} [ \d]\d \d\d:\d\d:\d\d\.\d{3}: /

const MS = 1_000
const NS_PER_MS = 1_000_000
/** google.protobuf.Timestamp. */
const timestamp = (ms: number): Buffer => encode([1, Math.floor(ms / MS)], [2, (ms % MS) * NS_PER_MS])

t.test('who observes a running Weir sees what pods do', ROOT, async t => {
  const lab = await labOf(t, [CLIENT, SERVER])
  const [client, server] = lab.pods
  const path = socketPath(t)
  const running = await watch(t, lab, ...ARGS, '--hubble.listen-address', `unix://${path}`)
  const ask = ['--server', `unix://${path}`]
  const streams = (count: number) => async () => (await running.metrics()).sum('weir_flow_api_streams') === count
  await server!.agent.call('httpServe', { port: HTTP })
  await lab.nft(`table inet blocked {
    chain forward {
      type filter hook forward priority 0
      tcp dport ${BLOCKED} drop
    }
  }`)
  const observe = new Following(t, ['observe', ...ask, '--follow', '--namespace', NAMESPACE])
  const denied = new Following(t, [
    'observe',
    ...ask,
    '-f',
    '--not',
    '--verdict',
    'FORWARDED',
    '--to-port',
    `${BLOCKED}`,
  ])
  const monitor = new Following(t, ['monitor', ...ask])
  await until('all three follow', streams(3), START_DEADLINE_MS)
  const blockedStorm = { host: server!.ipv4, ports: [BLOCKED], count: 1, concurrency: 1, timeoutMs: 300 }
  const drop = new RegExp(
    `${CLIENT}:(\\d+) \\(ID:\\d+\\) <> ${SERVER}:${BLOCKED} .*Policy denied DROPPED \\(TCP Flags: SYN\\)`,
  )
  /** Source ports of the drops that a command has printed. */
  const dropped = (by: Following) => by.lines().flatMap(line => drop.exec(line)?.[1] ?? [])
  const seen = (line: string) => until(line, () => observe.lines().some(each => each.replace(TIME, '') === line))

  await t.test('a ping, in the lines of hubble observe', async t => {
    await ping(client!, server!.ipv4, { count: 1 })
    const [from, to] = [`${CLIENT} (ID:${client!.identity})`, `${SERVER} (ID:${server!.identity})`]
    await seen(`${from} -> ${to} to-endpoint FORWARDED (ICMPv4 EchoRequest)`)
    await seen(`${from} <- ${to} to-endpoint FORWARDED (ICMPv4 EchoReply)`)
    t.ok(observe.lines().every(line => TIME.test(line)))
  })

  await t.test('an HTTP request: its handshake and its end', async t => {
    await client!.agent.call('httpLoad', { host: server!.ipv4, port: HTTP, count: 1, concurrency: 1 })
    const words = ['-> SYN', '<- SYN, ACK', '-> ACK, FIN', '<- ACK, FIN']
    for (const word of words) {
      const [arrow, flags] = [word.slice(0, 2), word.slice(3)]
      const shape = new RegExp(
        `${CLIENT}:\\d+ \\(ID:\\d+\\) ${arrow} ${SERVER}:${HTTP} \\(ID:\\d+\\) to-endpoint FORWARDED \\(TCP Flags: ${flags}\\)$`,
      )
      await until(word, () => observe.lines().some(line => shape.test(line)))
    }
    t.equal(observe.lines().filter(line => /to-endpoint .*TCP Flags: SYN\)$/.test(line)).length, 1)
  })

  await t.test('a blocked connection, and who asked for such alone sees nothing else', async t => {
    await client!.agent.call('tcpStorm', blockedStorm)
    await until('the drop', () => dropped(observe).length === 1)
    await until('the drop alone', () => dropped(denied).length === 1)
    t.ok(denied.lines().every(line => line.includes(`:${BLOCKED} `)))
  })

  await t.test('each repeat, with its own port, without a flush', async t => {
    for (const drops of [2, 3]) {
      await client!.agent.call('tcpStorm', blockedStorm)
      await until(`drop ${drops}`, () => dropped(observe).length === drops)
    }
    t.equal(new Set(dropped(observe)).size, 3, 'three connections, three ports')
  })

  await t.test('the records themselves, as cilium monitor prints them', async t => {
    const shape = new RegExp(`-> stack flow 0x[0-9a-f]+ .*${client!.ipv4}:\\d+ -> ${server!.ipv4}:${HTTP} tcp SYN$`)
    await until('a record', () => monitor.lines().some(line => shape.test(line)))
    t.equal(monitor.stderr, '')
  })

  await t.test('the past, by a client that knows numbers alone, and by the command', async t => {
    const raw = new RawObserver(t, `unix:${path}`)
    // Records still come, of connections that end: both ask for what there was at one moment.
    const until = [REQUEST.until, timestamp(Date.now())] as const
    const all = await raw.flows(encode(until))
    t.ok(all.length > 10)
    const last = await raw.flows(encode([REQUEST.number, 1], until))
    t.equal(last[0]?.text(FLOW.uuid), all.at(-1)?.text(FLOW.uuid))
    const icmp = ['observe', ...ask, '--protocol', 'icmp', '--first', '1', '-o', 'jsonpb']
    const { flow } = JSON.parse(weir(icmp).stdout) as { flow: { Summary: string; source: { pod_name: string } } }
    t.match(flow, { Summary: 'ICMPv4 EchoRequest', source: { pod_name: 'client' } })
    // By now there may be more than there were.
    const shown = weir(['observe', ...ask])
      .stdout.trimEnd()
      .split('\n').length
    t.ok(shown >= Math.min(20, all.length) && shown <= 20, `${shown} lines, at most the last 20`)
  })

  await t.test('its status and namespaces', async t => {
    const { code, stdout } = weir(['status', ...ask])
    t.equal(code, 0)
    t.match(stdout, /^Current\/Max Flows: \d+\/4,095 \(\d+\.\d\d%\)\nFlows\/s: [\d.]+\n/)
    t.match(stdout, /^Source: live\nState: ok\nPods with an interface: 2 of 2\nPod interfaces: 2$/m)
    const namespaces = (await new RawObserver(t, `unix:${path}`).call('GetNamespaces')).messages(1)
    t.ok(namespaces.some(each => each.text(2) === NAMESPACE))
  })

  await t.test('when Weir stops, those who follow end well', async t => {
    t.match(await running.stop(), { code: 0 })
    t.strictSame(await Promise.all([observe.ended, denied.ended, monitor.ended]), [0, 0, 0])
    t.equal(observe.stderr, '')
    const { code, stderr } = weir(['observe', ...ask])
    t.strictSame([code, stderr], [1, `weir: unix://${path}: no flow API answers\n`])
  })
})
