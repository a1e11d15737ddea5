/**
 * api.test.ts - the flow API over gRPC, called by a client that knows only field numbers, and by Weir's own client.
 */
import { connect } from 'node:net'
import t from 'tap'
import { ObserverClient } from '../../../src/hubble/api/client.js'
import type { Flow } from '../../../src/hubble/flow/flow.js'
import type { FlowResponse } from '../../../src/hubble/observe/response.js'
import { FILTER, FLOW, LOST, RawObserver, REQUEST, RESPONSE, status, VERDICT } from '../../support/raw-observer.js'
import { fillRing, NODE, type Served, serveFlows } from '../../support/served-flows.js'
import { until } from '../../support/until.js'
import { encode, Fields, type Value } from '../../support/wire.js'

async function served(t: Parameters<typeof serveFlows>[0], capacity?: number): Promise<Served & { raw: RawObserver }> {
  const all = await serveFlows(t, capacity)
  fillRing(all.ring)
  return { ...all, raw: new RawObserver(t, all.target) }
}

/** The flows of the records in the ring. */
function flowsIn({ ring, flows }: Served): Flow[] {
  const all: Flow[] = []
  for (let n = ring.first; n < ring.next; n++) {
    const flow = flows.read(n)
    if (flow !== undefined) all.push(flow)
  }
  return all
}

const uuids = (flows: readonly Fields[]): string[] => flows.map(flow => flow.text(FLOW.uuid))

async function clientOf(t: Parameters<typeof serveFlows>[0], address: string): Promise<ObserverClient> {
  const client = await ObserverClient.connect(address)
  t.teardown(() => client.close())
  return client
}

async function collect(source: AsyncIterable<FlowResponse>): Promise<FlowResponse[]> {
  const all: FlowResponse[] = []
  for await (const response of source) all.push(response)
  return all
}

t.test('each flow arrives with its fields at the numbers of flow.proto', async t => {
  const all = await served(t)
  const want = flowsIn(all)
  const got = await all.raw.all('GetFlows', encode())
  t.equal(got.length, want.length)
  t.ok(want.length > 1500)
  const wrong = got.filter((answer, i) => !matchesFlow(answer, want[i]!))
  t.equal(wrong.length, 0)
})

/** Compares the fields that matter most. */
function matchesFlow(answer: Fields, want: Flow): boolean {
  const flow = answer.message(RESPONSE.flow)
  const ip = flow.message(FLOW.ip)
  return (
    answer.text(RESPONSE.nodeName) === NODE &&
    answer.message(RESPONSE.time).number(1) === Math.floor(Date.parse(want.time!) / 1000) &&
    flow.text(FLOW.uuid) === want.uuid &&
    flow.text(FLOW.summary) === (want.Summary ?? '') &&
    ip.text(1) === (want.IP?.source ?? '') &&
    ip.text(2) === (want.IP?.destination ?? '') &&
    flow.message(FLOW.source).number(2) === (want.source?.identity ?? 0) &&
    flow.message(FLOW.destination).text(3) === (want.destination?.namespace ?? '') &&
    flow.has(FLOW.isReply) === (want.is_reply !== undefined) &&
    flow.message(FLOW.isReply).number(1) === Number(want.is_reply ?? false)
  )
}

t.test("Weir's client returns each flow unchanged", async t => {
  const all = await served(t)
  const client = await clientOf(t, all.address)
  const got = await collect(client.getFlows({}))
  t.strictSame(
    got.map(({ flow }) => flow),
    flowsIn(all),
  )
  t.strictSame(got.at(-1)?.time, flowsIn(all).at(-1)?.time)
})

t.test('number selects the newest flows, with first the oldest', async t => {
  const all = await served(t)
  const want = flowsIn(all).map(flow => flow.uuid!)
  t.strictSame(uuids(await all.raw.flows(encode([REQUEST.number, 5]))), want.slice(-5))
  t.strictSame(uuids(await all.raw.flows(encode([REQUEST.number, 5], [REQUEST.first, true]))), want.slice(0, 5))
  t.strictSame(uuids(await all.raw.flows(encode([REQUEST.number, 1_000_000]))), want)
})

t.test('a flow must match all fields of a filter, any allow filter and no deny filter', async t => {
  const all = await served(t)
  const want = flowsIn(all)
  const dropped = encode([FILTER.verdict, VERDICT.dropped])
  const forwarded = encode([FILTER.verdict, VERDICT.forwarded])
  const flowsOf = (...fields: readonly (readonly [number, Value])[]) => all.raw.flows(encode(...fields))
  const count = (wanted: (flow: Flow) => boolean | undefined) => want.filter(wanted).length
  const isDropped = (flow: Flow) => flow.verdict === 'DROPPED'
  const isForwarded = (flow: Flow) => flow.verdict === 'FORWARDED'
  t.equal((await flowsOf([REQUEST.whitelist, dropped])).length, count(isDropped))
  t.equal(
    (await flowsOf([REQUEST.blacklist, dropped])).length,
    count(flow => !isDropped(flow)),
  )
  t.equal(
    (await flowsOf([REQUEST.whitelist, dropped], [REQUEST.whitelist, forwarded])).length,
    count(flow => isDropped(flow) || isForwarded(flow)),
  )
  t.equal((await flowsOf([REQUEST.whitelist, dropped], [REQUEST.blacklist, dropped])).length, 0)
  const fromShop = encode([FILTER.verdict, VERDICT.dropped], [FILTER.sourcePod, 'shop/'])
  t.equal(
    (await flowsOf([REQUEST.whitelist, fromShop])).length,
    count(flow => isDropped(flow) && flow.source?.namespace === 'shop'),
  )
  const lastTwo = await flowsOf([REQUEST.number, 2], [REQUEST.whitelist, dropped])
  t.strictSame(
    uuids(lastTwo),
    want
      .filter(isDropped)
      .slice(-2)
      .map(flow => flow.uuid),
    'number counts flows that pass the filters',
  )
})

t.test('since and until select a time range, both inclusive', async t => {
  const all = await served(t)
  const want = flowsIn(all)
  const [from, to] = [want[100]!.time!, want[200]!.time!]
  const within = want.filter(({ time }) => Date.parse(time!) >= Date.parse(from) && Date.parse(time!) <= Date.parse(to))
  const got = await all.raw.flows(encode([REQUEST.since, timestamp(from)], [REQUEST.until, timestamp(to)]))
  t.strictSame(
    uuids(got),
    within.map(flow => flow.uuid),
  )
})

function timestamp(time: string): Buffer {
  const ms = Date.parse(time)
  return encode([1, Math.floor(ms / 1000)], [2, (ms % 1000) * 1_000_000])
}

t.test('a field mask keeps only the fields that it names', async t => {
  const all = await served(t)
  const client = await clientOf(t, all.address)
  const fields = ['verdict', 'source.namespace', 'source', 'destination.namespace', 'l4.TCP.flags']
  const [answer] = await collect(client.getFlows({ number: 1, allow: [{ protocol: ['tcp'] }], fields }))
  const want = flowsIn(all)
    .filter(flow => flow.l4?.TCP !== undefined)
    .at(-1)!
  t.strictSame(answer, {
    flow: {
      verdict: want.verdict,
      source: want.source,
      destination: want.destination?.namespace === undefined ? {} : { namespace: want.destination.namespace },
      l4: { TCP: { flags: want.l4?.TCP?.flags } },
    },
  })
})

t.test('an invalid request is refused with a reason', async t => {
  const { raw, address } = await served(t)
  const both = await raw.statusOf('GetFlows', encode([REQUEST.first, true], [REQUEST.follow, true]))
  t.match(both, { code: status.INVALID_ARGUMENT, details: 'first cannot be together with follow' })
  const mask = await raw.statusOf('GetFlows', encode([REQUEST.mask, encode([1, 'source.colour'])]))
  t.match(mask, { code: status.INVALID_ARGUMENT, details: /'source.colour' is not a field/ })
  const filter = encode([FILTER.sourceIp, '10.0.0.0/99'])
  t.match(await raw.statusOf('GetFlows', encode([REQUEST.whitelist, filter])), { code: status.INVALID_ARGUMENT })
  const client = await clientOf(t, address)
  await t.rejects(collect(client.getFlows({ fields: ['nothing'] })), {
    message: `${address}: field mask: 'nothing' is not a field of a flow`,
  })
})

t.test('a follower gets new flows until the server closes', async t => {
  const { raw, ring, server } = await served(t)
  const got: Fields[] = []
  const call = raw.open('GetFlows', encode([REQUEST.number, 1], [REQUEST.follow, true]))
  const ended = new Promise(resolve => call.on('end', resolve))
  call.on('data', (bytes: Buffer) => got.push(new Fields(bytes)))
  await until('the last flow', () => got.length === 1)
  const before = ring.next
  fillRing(ring)
  await until('the new flows', () => got.length > 1500)
  t.ok(got.every(answer => answer.has(RESPONSE.flow)))
  t.equal(server.streams, 1)
  t.ok(ring.next > before)
  await server.close()
  await ended
  t.equal(server.streams, 0)
})

t.test('a cancelled stream is freed, and a stream over the limit is refused', async t => {
  const { raw, server } = await served(t)
  const follow = encode([REQUEST.follow, true])
  const calls = Array.from({ length: 32 }, () => raw.open('GetFlows', follow).resume())
  await until('all are open', () => server.streams === 32)
  t.match(await raw.statusOf('GetFlows', follow), { code: status.RESOURCE_EXHAUSTED })
  for (const call of calls) call.cancel()
  await until('none is open', () => server.streams === 0)
  t.equal((await raw.flows(encode([REQUEST.number, 1]))).length, 1)
})

t.test('status, nodes and namespaces are served', async t => {
  const { raw, ring, address } = await served(t, 1023)
  const got = await raw.call('ServerStatus')
  t.equal(got.number(1), 1023, 'num_flows')
  t.equal(got.number(2), 1023, 'max_flows')
  t.equal(got.number(3), ring.seen, 'seen_flows')
  t.ok(got.number(4) > 0, 'uptime_ns')
  t.match(got.text(8), 'v1.2.3', 'version')
  const nodes = (await raw.call('GetNodes')).messages(1)
  t.strictSame(
    nodes.map(node => [node.text(1), node.number(4)]),
    [[NODE, 1]],
  )
  const namespaces = (await raw.call('GetNamespaces')).messages(1).map(each => each.text(2))
  t.strictSame(namespaces, ['default', 'kube-system', 'monitoring', 'payments', 'shop'])
  const client = await clientOf(t, address)
  t.strictSame(await client.getStatus(), [['source', 'a test']])
})

t.test('the flow rate covers the last minute', async t => {
  const { raw, ring } = await serveFlows(t).then(all => ({ ...all, raw: new RawObserver(t, all.target) }))
  t.equal((await raw.call('ServerStatus')).number(9), 0)
  const frame = new Uint8Array(Buffer.concat([Buffer.from([12, 0, 0, 0]), Buffer.alloc(12, 1)]))
  const now = Math.floor(Date.now() / 1000)
  ring.append(frame, frame.length, now - 1000, 0)
  for (let n = 0; n < 600; n++) ring.append(frame, frame.length, now, 0)
  t.equal((await raw.call('ServerStatus')).number(9), 10)
})

t.test('agent and debug events: an empty answer, and a follower waits', async t => {
  const { raw } = await served(t)
  for (const method of ['GetAgentEvents', 'GetDebugEvents']) {
    t.strictSame(await raw.all(method, encode()), [])
    const call = raw.open(method, encode([2, true])).resume()
    const ended = new Promise(resolve => call.on('status', resolve))
    // Answered after an empty stream would have ended.
    await raw.call('ServerStatus')
    call.cancel()
    t.match(await ended, { code: status.CANCELLED }, 'the follower is open until it cancels')
  }
})

t.test('losses in the kernel are reported as losses of the perf ring, at their time', async t => {
  const { raw, ring } = await serveFlows(t).then(all => ({ ...all, raw: new RawObserver(t, all.target) }))
  ring.appendLoss(77, 1_700_000_000, 5)
  const [answer] = await raw.all('GetFlows', encode())
  const lost = answer!.message(RESPONSE.lost)
  t.strictSame([lost.number(LOST.source), lost.number(LOST.events)], [1, 77])
  t.equal(answer!.message(RESPONSE.time).number(1), 1_700_000_000)
})

t.test('a Relay gets this node and its address', async t => {
  const { raw, server } = await served(t)
  const address = await server.listen('127.0.0.1:0')
  const call = raw.open('/peer.Peer/Notify', encode())
  const bytes = await new Promise<Buffer>(resolve => call.once('data', resolve))
  const peer = new Fields(bytes)
  t.strictSame([peer.text(1), peer.text(2), peer.number(3)], [NODE, address, 1])
  call.cancel()
})

t.test('raw records arrive unchanged', async t => {
  const all = await served(t)
  const client = await clientOf(t, all.address)
  let sequence = all.ring.first
  for await (const { record, seconds } of client.getRecords(0, false)) {
    const { ring } = all
    const want = Buffer.from(ring.view.buffer as ArrayBuffer, ring.at(sequence), ring.size(sequence))
    if (Buffer.compare(record!, want) !== 0 || seconds !== ring.seconds(sequence)) t.fail(`record ${sequence}`)
    sequence++
  }
  t.equal(sequence, all.ring.next)
})

t.test('errors of connecting and listening name the address', async t => {
  const all = await serveFlows(t)
  const gone = `${all.address}.gone`
  await t.rejects(ObserverClient.connect(gone), { message: `${gone}: no flow API answers` })
  await t.rejects(all.server.listen(all.address), /another process is listening/)
  await t.rejects(all.server.listen('tls://127.0.0.1:1'), /TLS is not supported/)
  const port = (await all.server.listen('127.0.0.1:0')).split(':').at(-1)
  await t.rejects((await serveFlows(t)).server.listen(`127.0.0.1:${port}`), new RegExp(`127.0.0.1:${port}`))
  t.equal(await accepts(Number(port)), true)
})

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
