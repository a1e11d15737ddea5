/**
 * initiator.test.ts - the initiator of a connection that is older than Weir: by what is known, or unknown and without a port.
 */
import t from 'tap'
import type { Pod } from '../../src/lab/pod.js'
import { ALPHA_BETA, BETA_ALPHA, conversations, say } from '../support/conversation.js'
import { GaugedLab, needsRoot } from '../support/gauged-lab.js'
import type { Samples } from '../support/samples.js'
import { until } from '../support/until.js'
import { startWeir } from '../support/weir-process.js'

const NETWORK = 76
const PODS = ['alpha', 'beta'].map(name => ({ name, namespace: 'old', workload: name }))
const ACTIVE = 'weir_connections_active'
const PACKETS = 'weir_flow_packets_total'
const LABELS = ['source_workload', 'destination_workload', 'destination_port'] as const
const FAMILIES = { [ACTIVE]: { labels: LABELS }, [PACKETS]: { labels: LABELS } }

/** Values of destination_port with packets or open connections, except the empty one; without drops: the test's own packets are freed. */
function ports(samples: Samples): string[] {
  const counted = [ACTIVE, PACKETS].flatMap(family =>
    samples.series(family).filter(({ value, labels }) => value > 0 && labels.reporter !== 'node'),
  )
  const values = counted.map(({ labels }) => labels.destination_port ?? '')
  return [...new Set(values)].filter(port => port !== '').sort()
}

t.test("of two ports outside the range for clients neither is taken for the server's", needsRoot, async t => {
  const weir = await conversations(t, { families: FAMILIES })
  say(weir, 30_200, 30_900, 'ab AP 10', 'ba AP 10', 'ab A')
  const samples = await weir.metrics()
  t.strictSame(ports(samples), [])
  t.equal(samples.sum(ACTIVE, { reporter: 'source' }), 1)
  say(weir, 30_200, 30_900, 'ab AF', 'ba AF', 'ab A')
  const end = await weir.metrics()
  t.strictSame(ports(end), [])
  t.equal(end.sum(ACTIVE), 0)
})

t.test("of two ports in the range for clients neither is taken for the server's", needsRoot, async t => {
  const weir = await conversations(t, { families: FAMILIES })
  say(weir, 40_000, 50_051, 'ba AP 10', 'ab AP 10')
  t.strictSame(ports(await weir.metrics()), [])
})

t.test("a port outside the range for clients is the server's, whichever side is seen first", needsRoot, async t => {
  for (const lines of [
    ['ab AP 10', 'ba AP 10'],
    ['ba AP 10', 'ab AP 10'],
  ]) {
    const weir = await conversations(t, { families: FAMILIES })
    say(weir, 50_000, 8080, ...lines)
    const samples = await weir.metrics()
    t.strictSame(ports(samples), ['8080'])
    t.equal(samples.sum(ACTIVE, { ...ALPHA_BETA, destination_port: '8080' }), 1)
    await weir.stop()
  }
})

t.test('the sender of a SYN-ACK is the server, at any port', needsRoot, async t => {
  const weir = await conversations(t, { families: FAMILIES })
  say(weir, 50_000, 60_000, 'ab SA', 'ba A')
  const samples = await weir.metrics()
  t.strictSame(ports(samples), ['50000'])
  t.equal(samples.sum(ACTIVE, BETA_ALPHA), 1)
})

t.test('a UDP answer that is seen first opens no connection to the client', needsRoot, async t => {
  const weir = await conversations(t, { families: FAMILIES })
  say(weir, 50_000, 53, 'ba - 100', 'ab - 30')
  const samples = await weir.metrics()
  t.strictSame(ports(samples), ['53'])
  t.equal(samples.sum(ACTIVE, { ...ALPHA_BETA, destination_port: '53' }), 1)
  t.equal(samples.sum('weir_connections_opened_total'), 0)
})

t.test('UDP between ports that show nothing has no port, as long as it may be older than Weir', needsRoot, async t => {
  const young = await conversations(t, { families: FAMILIES })
  say(young, 30_200, 30_900, 'ba - 10', 'ab - 10')
  t.strictSame(ports(await young.metrics()), [])
  await young.stop()
  const old = await conversations(t, { families: FAMILIES, knobs: { started_ns: 1 } })
  say(old, 30_200, 30_900, 'ab - 10', 'ba - 10')
  t.strictSame(ports(await old.metrics()), ['30900'], 'later its first packet opens it')
})

/** Echoes lines on two ports. */
const SERVER = `
import selectors, socket, sys
ready = selectors.DefaultSelector()
for port in 45000, 50051:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("", port))
    listener.listen()
    ready.register(listener, selectors.EVENT_READ, True)
print("listening", flush=True)
while True:
    for key, _ in ready.select():
        if key.data:
            ready.register(key.fileobj.accept()[0], selectors.EVENT_READ, False)
        else:
            data = key.fileobj.recv(100)
            key.fileobj.send(data) if data else ready.unregister(key.fileobj)
`
/** Two connections, from a port in the node's range for clients and from one outside, as pods with a range of their own have; each line of stdin goes through both. */
const CLIENT = `
import socket, sys
peers = [socket.create_connection((sys.argv[1], 50051), None, ("", 40123)), socket.create_connection((sys.argv[1], 45000), None, ("", 1234))]
print("connected", flush=True)
for line in sys.stdin:
    for peer in peers:
        peer.send(line.encode())
        peer.recv(100)
    print("echoed", flush=True)
`

function python(pod: Pod, script: string, ...args: string[]) {
  const child = pod.spawn(['python3', '-c', script, ...args])
  let text = ''
  child.stdout?.on('data', chunk => {
    text += chunk
  })
  return { child, text: () => text }
}

t.test('the sockets of pods show the server of a connection that is older than Weir', needsRoot, async t => {
  let client: ReturnType<typeof python> | undefined
  const gauged = await GaugedLab.with(t, PODS, { network: NETWORK }, async (lab, inventory) => {
    const server = python(lab.pod('beta'), SERVER)
    t.teardown(() => server.child.kill())
    await until('the server listens', () => server.text().includes('listening'))
    client = python(lab.pod('alpha'), CLIENT, lab.pod('beta').ipv4)
    await until('both are connected', () => client!.text().includes('connected'))
    return startWeir(['--netns', lab.node.path, '--inventory', inventory, '--families', JSON.stringify(FAMILIES)])
  })
  t.teardown(() => client?.child.kill())
  client!.child.stdin?.write('a line\n')
  await until('the lines are back', () => client!.text().includes('echoed'))
  const { samples } = await gauged.read()
  const old = { ...ALPHA_BETA, protocol: 'TCP' }
  t.equal(samples.sum(ACTIVE, { ...old, reporter: 'source', destination_port: '50051' }), 1)
  t.equal(samples.sum(ACTIVE, { ...old, reporter: 'destination', destination_port: '50051' }), 1)
  t.equal(samples.sum(ACTIVE, { ...old, reporter: 'destination', destination_port: '45000' }), 1)
  t.strictSame(ports(samples), ['45000', '50051'], 'no port of a client is a label')
})
