/**
 * api.test.ts - the flow API over gRPC, asked by a client that knows it by its public numbers, and by Weir's own.
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

/** What the ring holds, as flows. */
function held({ ring, flows }: Served): Flow[] {
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

async function taken(source: AsyncIterable<FlowResponse>): Promise<FlowResponse[]> {
  const all: FlowResponse[] = []
  for await (const response of source) all.push(response)
  return all
}

t.test('every flow arrives with its fields at their public numbers', async t => {
  const all = await served(t)
  const want = held(all)
  const got = await all.raw.all('GetFlows', encode())
  t.equal(got.length, want.length)
  t.ok(want.length > 1500)
  const wrong = got.filter((answer, i) => !sameAs(answer, want[i]!))
  t.equal(wrong.length, 0)
})

/** The fields that an eye would compare first. */
function sameAs(answer: Fields, want: Flow): boolean {
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

t.test("Weir's own client gives back each flow as it was made", async t => {
  const all = await served(t)
  const client = await clientOf(t, all.address)
  const got = await taken(client.getFlows({}))
  t.strictSame(
    got.map(({ flow }) => flow),
    held(all),
  )
  t.strictSame(got.at(-1)?.time, held(all).at(-1)?.time)
})

t.test('number and first choose the newest or the oldest', async t => {
  const all = await served(t)
  const want = held(all).map(flow => flow.uuid!)
  t.strictSame(uuids(await all.raw.flows(encode([REQUEST.number, 5]))), want.slice(-5))
  t.strictSame(uuids(await all.raw.flows(encode([REQUEST.number, 5], [REQUEST.first, true]))), want.slice(0, 5))
  t.strictSame(uuids(await all.raw.flows(encode([REQUEST.number, 1_000_000]))), want)
})

t.test('allow and deny filters: fields of one together, filters of a list each by itself', async t => {
  const all = await served(t)
  const want = held(all)
  const dropped = encode([FILTER.verdict, VERDICT.dropped])
  const forwarded = encode([FILTER.verdict, VERDICT.forwarded])
  const ask = (...fields: readonly (readonly [number, Value])[]) => all.raw.flows(encode(...fields))
  const count = (wanted: (flow: Flow) => boolean | undefined) => want.filter(wanted).length
  const isDropped = (flow: Flow) => flow.verdict === 'DROPPED'
  const isForwarded = (flow: Flow) => flow.verdict === 'FORWARDED'
  t.equal((await ask([REQUEST.whitelist, dropped])).length, count(isDropped))
  t.equal(
    (await ask([REQUEST.blacklist, dropped])).length,
    count(flow => !isDropped(flow)),
  )
  t.equal(
    (await ask([REQUEST.whitelist, dropped], [REQUEST.whitelist, forwarded])).length,
    count(flow => isDropped(flow) || isForwarded(flow)),
  )
  t.equal((await ask([REQUEST.whitelist, dropped], [REQUEST.blacklist, dropped])).length, 0)
  const fromShop = encode([FILTER.verdict, VERDICT.dropped], [FILTER.sourcePod, 'shop/'])
  t.equal(
    (await ask([REQUEST.whitelist, fromShop])).length,
    count(flow => isDropped(flow) && flow.source?.namespace === 'shop'),
  )
  const lastTwo = await ask([REQUEST.number, 2], [REQUEST.whitelist, dropped])
  t.strictSame(
    uuids(lastTwo),
    want
      .filter(isDropped)
      .slice(-2)
      .map(flow => flow.uuid),
    'number counts what passed the filters',
  )
})

t.test('since and until cut a stretch of time out, both ends included', async t => {
  const all = await served(t)
  const want = held(all)
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

t.test('a field mask leaves what it names', async t => {
  const all = await served(t)
  const client = await clientOf(t, all.address)
  const fields = ['verdict', 'source.namespace', 'source', 'destination.namespace', 'l4.TCP.flags']
  const [answer] = await taken(client.getFlows({ number: 1, allow: [{ protocol: ['tcp'] }], fields }))
  const want = held(all)
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

t.test('what cannot be asked for is refused with a reason', async t => {
  const { raw, address } = await served(t)
  const both = await raw.ending('GetFlows', encode([REQUEST.first, true], [REQUEST.follow, true]))
  t.match(both, { code: status.INVALID_ARGUMENT, details: 'first cannot be together with follow' })
  const mask = await raw.ending('GetFlows', encode([REQUEST.mask, encode([1, 'source.colour'])]))
  t.match(mask, { code: status.INVALID_ARGUMENT, details: /'source.colour' is not a field/ })
  const filter = encode([FILTER.sourceIp, '10.0.0.0/99'])
  t.match(await raw.ending('GetFlows', encode([REQUEST.whitelist, filter])), { code: status.INVALID_ARGUMENT })
  const client = await clientOf(t, address)
  await t.rejects(taken(client.getFlows({ fields: ['nothing'] })), {
    message: `${address}: field mask: 'nothing' is not a field of a flow`,
  })
})

t.test('a follower gets what comes, until the server ends', async t => {
  const { raw, ring, server } = await served(t)
  const got: Fields[] = []
  const call = raw.open('GetFlows', encode([REQUEST.number, 1], [REQUEST.follow, true]))
  const ended = new Promise(resolve => call.on('end', resolve))
  call.on('data', (bytes: Buffer) => got.push(new Fields(bytes)))
  await until('the last one', () => got.length === 1)
  const before = ring.next
  fillRing(ring)
  await until('as many again', () => got.length > 1500)
  t.ok(got.every(answer => answer.has(RESPONSE.flow)))
  t.equal(server.streams, 1)
  t.ok(ring.next > before)
  await server.close()
  await ended
  t.equal(server.streams, 0)
})

t.test('a client that goes leaves nothing behind, and one stream too many is refused', async t => {
  const { raw, server } = await served(t)
  const follow = encode([REQUEST.follow, true])
  const calls = Array.from({ length: 32 }, () => raw.open('GetFlows', follow).resume())
  await until('all are open', () => server.streams === 32)
  t.match(await raw.ending('GetFlows', follow), { code: status.RESOURCE_EXHAUSTED })
  for (const call of calls) call.cancel()
  await until('none is open', () => server.streams === 0)
  t.equal((await raw.flows(encode([REQUEST.number, 1]))).length, 1)
})

t.test('status, nodes and namespaces', async t => {
  const { raw, ring, address } = await served(t, 1023)
  const got = await raw.ask('ServerStatus')
  t.equal(got.number(1), 1023, 'num_flows')
  t.equal(got.number(2), 1023, 'max_flows')
  t.equal(got.number(3), ring.seen, 'seen_flows')
  t.ok(got.number(4) > 0, 'uptime_ns')
  t.match(got.text(8), 'v1.2.3', 'version')
  const nodes = (await raw.ask('GetNodes')).messages(1)
  t.strictSame(
    nodes.map(node => [node.text(1), node.number(4)]),
    [[NODE, 1]],
  )
  const namespaces = (await raw.ask('GetNamespaces')).messages(1).map(each => each.text(2))
  t.strictSame(namespaces, ['default', 'kube-system', 'monitoring', 'payments', 'shop'])
  const client = await clientOf(t, address)
  t.strictSame(await client.getStatus(), [['source', 'a test']])
})

t.test('flows a second are those of the last minute', async t => {
  const { raw, ring } = await serveFlows(t).then(all => ({ ...all, raw: new RawObserver(t, all.target) }))
  t.equal((await raw.ask('ServerStatus')).number(9), 0)
  const frame = new Uint8Array(Buffer.concat([Buffer.from([12, 0, 0, 0]), Buffer.alloc(12, 1)]))
  const now = Math.floor(Date.now() / 1000)
  ring.append(frame, frame.length, now - 1000, 0)
  for (let n = 0; n < 600; n++) ring.append(frame, frame.length, now, 0)
  t.equal((await raw.ask('ServerStatus')).number(9), 10)
})

t.test('there are no agent or debug events; a follower waits for them', async t => {
  const { raw } = await served(t)
  for (const method of ['GetAgentEvents', 'GetDebugEvents']) {
    t.strictSame(await raw.all(method, encode()), [])
    const call = raw.open(method, encode([2, true])).resume()
    call.cancel()
  }
})

t.test('losses in the kernel are told as Hubble tells them', async t => {
  const { raw, ring } = await serveFlows(t).then(all => ({ ...all, raw: new RawObserver(t, all.target) }))
  ring.appendLoss(77, 1_700_000_000, 5)
  const [answer] = await raw.all('GetFlows', encode())
  const lost = answer!.message(RESPONSE.lost)
  t.strictSame([lost.number(LOST.source), lost.number(LOST.events)], [1, 77])
  t.equal(answer!.message(RESPONSE.time).number(1), 1_700_000_000)
})

t.test('a relay is told of this node, and where to reach it', async t => {
  const { raw, server } = await served(t)
  const address = await server.listen('127.0.0.1:0')
  const call = raw.open('/peer.Peer/Notify', encode())
  const bytes = await new Promise<Buffer>(resolve => call.once('data', resolve))
  const peer = new Fields(bytes)
  t.strictSame([peer.text(1), peer.text(2), peer.number(3)], [NODE, address, 1])
  call.cancel()
})

t.test('raw records come as they are', async t => {
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

t.test('nobody there, and a place that is taken, are told by name', async t => {
  const all = await serveFlows(t)
  const gone = `${all.address}.gone`
  await t.rejects(ObserverClient.connect(gone), { message: `${gone}: no flow API answers` })
  await t.rejects(all.server.listen(all.address), /another process is listening/)
  await t.rejects(all.server.listen('tls://127.0.0.1:1'), /TLS is not supported/)
  const taken = (await all.server.listen('127.0.0.1:0')).split(':').at(-1)
  await t.rejects((await serveFlows(t)).server.listen(`127.0.0.1:${taken}`), new RegExp(`127.0.0.1:${taken}`))
  t.equal(await opens(Number(taken)), true)
})

function opens(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
