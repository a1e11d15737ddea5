/**
 * failure.test.ts - failures of the receiver, the network and the worker: each has its result, and the next export makes up for it.
 */
import { createServer, type Server } from 'node:net'
import t, { type Test } from 'tap'
import { M } from '../../src/exporter/catalog/catalog.js'
import type { SeriesStore } from '../../src/exporter/series/series.js'
import type { OtlpConfig } from '../../src/otlp/config.js'
import type { Otlp } from '../../src/otlp/otlp.js'
import { named, own, type Pushed, push } from '../support/otlp-push.js'
import { answer, type Behaviour, partial, type SunkPoint } from '../support/otlp-sink.js'
import { until } from '../support/until.js'

const PAIR = ['shop', 'web', 'shop', 'db', 'source', 'FORWARDED', 'TCP']
/** Just below the SDK's first retry, which comes after 800 ms or more: a busy machine must not look like a hanging receiver. */
const TIMEOUT_MS = 700
const DELTA = { temporality: 'delta', timeoutMs: TIMEOUT_MS } as const

/** A worker loads the SDK, which takes seconds on a busy machine. */
const LOAD_MS = 60_000

const resultCount = (store: SeriesStore, result: string): number => own(store, M.otlpExports, [result])
const bytes = (points: readonly SunkPoint[]): number[] => named(points, 'weir.flow.bytes').map(({ value }) => value)
const total = (points: readonly SunkPoint[]): number => bytes(points).reduce((a, b) => a + b, 0)
const resultOf = async (otlp: Otlp): Promise<string> => (await otlp.exportNow())?.result ?? 'no reply'

/** Adds to the only series of flow bytes. */
const count = (store: SeriesStore, n: number): void => store.add(store.family(M.flowBytes).series(PAIR), n)

const hang: Behaviour = () => false
const cutBefore: Behaviour = (_, __, socket) => {
  socket.destroy()
  return false
}
/** The receiver has the batch, but its response is lost. */
const keepAndCut: Behaviour = (_, __, socket) => {
  socket.destroy()
  return true
}
const cutInResponse: Behaviour = response => {
  response.writeHead(503, { 'Content-Length': '1000' })
  response.write('half', () => response.destroy())
  return false
}

interface Mode {
  readonly title: string
  readonly behaviour: Behaviour
  /** How often the SDK sends the request within its timeout. */
  readonly times: number
  readonly result: string
}

const MODES: readonly Mode[] = [
  { title: 'refuses the request (400)', behaviour: answer(400, {}, 'no such tenant'), times: 1, result: 'refused' },
  { title: 'does not know the path (404)', behaviour: answer(404), times: 1, result: 'refused' },
  { title: 'fails (500)', behaviour: answer(500), times: 1, result: 'refused' },
  { title: 'throttles (429)', behaviour: answer(429, { 'Retry-After': '1' }), times: 1, result: 'throttled' },
  { title: 'is overloaded (503)', behaviour: answer(503, { 'Retry-After': '1' }), times: 1, result: 'unavailable' },
  { title: 'does not answer', behaviour: hang, times: 1, result: 'timeout' },
  { title: 'closes the connection', behaviour: cutBefore, times: 1, result: 'broken' },
  { title: 'closes the connection within its response', behaviour: cutInResponse, times: 1, result: 'broken' },
]

// All failures hit the same worker, which takes seconds to load: each finds the state that the last one left behind.
for (const temporality of ['cumulative', 'delta'] as const) {
  t.test(`${temporality}: the next export carries everything after a receiver that`, async t => {
    const { otlp, sink, store } = await push(t, { ...DELTA, temporality })
    let truth = 0
    const add = (n: number): void => {
      truth += n
      count(store, n)
    }
    const arrived = (points = sink.accepted()): number =>
      temporality === 'delta' ? total(points) : bytes(points).at(-1)!
    add(5)
    t.equal(await resultOf(otlp), 'success')
    for (const { title, behaviour, times, result } of MODES) {
      await t.test(title, async t => {
        const before = resultCount(store, result)
        add(7)
        sink.behaviours.push(...Array.from({ length: times }, () => behaviour))
        t.equal(await resultOf(otlp), result)
        t.equal(resultCount(store, result), before + 1)
        t.equal(arrived(), truth - 7, 'the receiver has nothing of this export')
        add(11)
        t.equal(await resultOf(otlp), 'success')
        t.equal(arrived(), truth)
      })
    }
  })
}

t.test('after a lost response the same batch is sent again, so the receiver can recognise the duplicate', async t => {
  const { otlp, sink, store } = await push(t, DELTA)
  count(store, 5)
  t.equal(await resultOf(otlp), 'success')
  count(store, 7)
  sink.behaviours.push(keepAndCut)
  t.equal(await resultOf(otlp), 'broken')
  count(store, 11)
  t.equal(await resultOf(otlp), 'success')
  const points = named(sink.accepted(), 'weir.flow.bytes')
  t.same(
    points.map(({ value }) => value),
    [5, 7, 7, 11],
  )
  t.same(points[1], points[2], 'the same times and value: a recognisable duplicate')
  const ranges = [points[0]!, points[1]!, points[3]!]
  for (const [i, { start }] of ranges.slice(1).entries()) t.equal(start, ranges[i]!.time, 'ranges are contiguous')
})

t.test('a credential that a receiver echoes is neither logged nor shown', async t => {
  const { otlp, sink, store, lines } = await push(t, { headers: { 'X-Api-Key': 'k3y-of-mine' } })
  count(store, 5)
  sink.behaviours.push(answer(401, {}, 'no tenant has the key k3y-of-mine'))
  t.equal(await resultOf(otlp), 'refused')
  t.match(lines.join(), /no tenant has the key \*\*\*/)
  t.notMatch(lines.join() + otlp.status().join(), /k3y/)
})

t.test('a delta batch that is sent again counts its points once', async t => {
  const { otlp, sink, store } = await push(t, DELTA)
  count(store, 5)
  sink.behaviours.push(cutBefore)
  t.equal(await resultOf(otlp), 'broken')
  t.equal(await resultOf(otlp), 'success')
  t.equal(await resultOf(otlp), 'success')
  t.equal(own(store, M.otlpPoints), sink.accepted().length)
  t.equal(own(store, M.otlpPointsDropped), 0)
})

t.test('points that a receiver claims to have rejected never decrease a counter', async t => {
  const { otlp, sink, store } = await push(t, DELTA)
  count(store, 5)
  sink.behaviours.push(partial(-7, 'odd'), partial(1e6, 'odder'))
  t.equal(await resultOf(otlp), 'success')
  t.equal(own(store, M.otlpPointsRejected), 0)
  const accepted = own(store, M.otlpPoints)
  t.ok(accepted > 0)
  count(store, 5)
  t.equal(await resultOf(otlp), 'partial')
  t.equal(own(store, M.otlpPoints), accepted, 'none of the second batch')
  t.equal(own(store, M.otlpPointsRejected), sink.requests[1]!.points.length)
})

for (const header of ['0', '-5', 'Thu, 01 Jan 1970 00:00:00 GMT', 'soon']) {
  t.test(`Retry-After: ${header} does not repeat requests without a wait`, async t => {
    const { otlp, sink, store } = await push(t, { timeoutMs: 1500 })
    count(store, 5)
    sink.behaviours.push(...Array.from({ length: 6 }, () => answer(503, { 'Retry-After': header })))
    await otlp.exportNow()
    t.ok(sink.requests.length <= 2, `${sink.requests.length} requests in 1.5 s`)
  })
}

t.test('exports to a missing receiver are counted as unreachable and logged once', async t => {
  const { otlp, sink, store, lines } = await push(t, { ...DELTA, url: 'http://127.0.0.1:9/v1/metrics' })
  count(store, 5)
  for (let i = 0; i < 3; i++) t.equal(await resultOf(otlp), 'unreachable')
  t.equal(resultCount(store, 'unreachable'), 3)
  t.equal(lines.filter(line => line.startsWith('OTLP export failed')).length, 1, 'one line, not one per export')
  t.match(lines.at(-1), /ECONNREFUSED/)
  t.equal(sink.requests.length, 0)
})

t.test('a partial success is counted and not sent again', async t => {
  for (const protocol of ['http/json', 'http/protobuf'] as const) {
    const { otlp, sink, store } = await push(t, { ...DELTA, protocol })
    count(store, 5)
    sink.behaviours.push(partial(2, 'too old'))
    const done = await otlp.exportNow()
    t.match(done, { result: 'partial', detail: 'too old', rejected: 2 }, protocol)
    t.equal(own(store, M.otlpPointsRejected), 2)
    t.equal(own(store, M.otlpPoints), done!.accepted)
    await otlp.exportNow()
    t.same(bytes(sink.requests.at(-1)!.points), [], 'the protocol forbids it')
  }
})

t.test('after a request that is too large, batches stay half as large', async t => {
  const { otlp, sink, store } = await push(t, { ...DELTA, batchPoints: 64 })
  for (let i = 0; i < 200; i++) store.add(store.family(M.flowBytes).series([`n${i}`, ...PAIR.slice(1)]), 1)
  const tooLarge: Behaviour = (response, { points }) => {
    response.writeHead(points.length > 20 ? 413 : 200, { 'Content-Type': 'application/json' }).end('{}')
    return points.length <= 20
  }
  sink.behaviours.push(...Array.from({ length: 100 }, () => tooLarge))
  await until('all arrived', async () => {
    await otlp.exportNow()
    return total(sink.accepted()) === 200
  })
  t.ok(sink.requests.length < 60)
})

t.test('a refused batch does not hold the others back; a wrong path does not cost one request per batch', async t => {
  const { otlp, sink, store } = await push(t, { ...DELTA, batchPoints: 10 })
  for (let i = 0; i < 95; i++) store.add(store.family(M.flowBytes).series([`n${i}`, ...PAIR.slice(1)]), 1)
  sink.behaviours.push(answer(200, { 'Content-Type': 'application/json' }, '{}'), answer(400))
  t.equal(await resultOf(otlp), 'refused')
  t.ok(sink.requests.length > 9)
  t.equal(sink.requests.filter(({ accepted }) => !accepted).length, 1)
  t.equal(await resultOf(otlp), 'success')
  t.equal(total(sink.accepted()), 95)
  const before = sink.requests.length
  for (let i = 0; i < 95; i++) store.add(store.family(M.flowBytes).series([`n${i}`, ...PAIR.slice(1)]), 1)
  sink.behaviours.push(...Array.from({ length: 100 }, () => answer(404)))
  t.equal(await resultOf(otlp), 'refused')
  t.equal(sink.requests.length, before + 3)
})

t.test('an export has a time of its own, and one is in flight at most', async t => {
  const { otlp, sink, store } = await push(t, { ...DELTA, timeoutMs: 20_000, exportTimeoutMs: 2000 })
  count(store, 5)
  sink.behaviours.push(hang)
  const [one, other] = await Promise.all([otlp.exportNow(), otlp.exportNow()])
  t.equal(one, other)
  t.equal(one?.result, 'timeout')
  t.equal(sink.requests.length, 1)
  t.equal(await resultOf(otlp), 'success')
  t.equal(total(sink.accepted()), 5)
})

t.test('a server that sends byte by byte does not hang an export', async t => {
  const server = await dripping(t)
  const address = server.address() as { port: number }
  const { otlp, store } = await push(t, { ...DELTA, url: `http://127.0.0.1:${address.port}/v1/metrics` })
  count(store, 5)
  t.equal(await resultOf(otlp), 'timeout')
})

t.test('a worker that dies is replaced at the next export and counted, and nothing is exported twice', async t => {
  for (const temporality of ['delta', 'cumulative'] as const) {
    const pushed: Pushed = await push(t, { ...DELTA, temporality })
    const { otlp, sink, store } = pushed
    count(store, 5)
    t.equal(await resultOf(otlp), 'success')
    await otlp.killWorker()
    count(store, 7)
    t.equal(await resultOf(otlp), 'success')
    t.equal(own(store, M.otlpRestarts), 1)
    t.same(bytes(sink.accepted()), temporality === 'delta' ? [5, 7] : [5, 12])
    sink.behaviours.push(hang)
    count(store, 1)
    const dying = otlp.exportNow()
    await until('a request has arrived', () => sink.requests.length >= 3, LOAD_MS)
    await otlp.killWorker()
    t.equal(await dying, undefined)
    t.equal(resultCount(store, 'worker_died'), 1)
    t.equal(await resultOf(otlp), 'success')
    t.same(bytes(sink.accepted()).at(-1), temporality === 'delta' ? 1 : 13)
  }
})

t.test('close() exports a last time, within its deadline', async t => {
  let live = 5
  const settings: Partial<OtlpConfig> = { ...DELTA }
  const { otlp, sink, store } = await push(t, settings, { collect: () => count(store, live) })
  t.equal(await resultOf(otlp), 'success')
  live = 9
  await otlp.close(10_000)
  t.equal(total(sink.accepted()), 14, 'collected once more')
  await otlp.close(1)
  const silent = await push(t, DELTA)
  count(silent.store, 1)
  silent.sink.behaviours.push(hang, hang)
  const begun = silent.otlp.exportNow()
  await until('a request is there', () => silent.sink.requests.length > 0, LOAD_MS)
  await silent.otlp.close(100)
  t.equal(await begun, undefined, 'aborted')
})

/** Sends a header one byte at a time. */
async function dripping(t: Test): Promise<Server> {
  const server = createServer(socket => {
    socket.on('error', () => undefined).write('HTTP/1.1 200 OK\r\nX: ')
    const timer = setInterval(() => socket.write('x'), 20)
    socket.on('close', () => clearInterval(timer))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return server
}
