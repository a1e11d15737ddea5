/**
 * limits.test.ts - limits of the flow API: streams and connections in total and for each client, filters, raw records.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { FILTER, RawObserver, REQUEST, status } from '../../support/raw-observer.js'
import { fillRing, NODE, serveFlows } from '../../support/served-flows.js'
import { until } from '../../support/until.js'
import { encode } from '../../support/wire.js'

const NOTIFY = '/peer.Peer/Notify'
const RECORDS = '/weir.Weir/GetRecords'
const FOLLOW = encode([REQUEST.follow, true])
const NODE_NAME_FIELD = 24

async function served(t: Test) {
  const all = await serveFlows(t)
  fillRing(all.ring)
  const tcp = await all.server.listen('127.0.0.1:0')
  return { ...all, tcp, local: new RawObserver(t, all.target), remote: new RawObserver(t, tcp) }
}

t.test('a client address has its share of streams, and others are still served', async t => {
  const { server, local, remote } = await served(t)
  const calls = Array.from({ length: 24 }, () => remote.open('GetFlows', FOLLOW).resume())
  await until('all are open', () => server.streams === 24)
  const refused = await remote.statusOf('GetFlows', FOLLOW)
  t.match(refused, {
    code: status.RESOURCE_EXHAUSTED,
    details: 'the limit of 24 streams of one client address is reached',
  })
  const others = Array.from({ length: 8 }, () => local.open('GetFlows', FOLLOW).resume())
  await until('others are open', () => server.streams === 32)
  t.match(await local.statusOf('GetFlows', FOLLOW), { details: 'the limit of 32 streams is reached' })
  t.equal(server.streamsRefused, 2)
  for (const call of [...calls, ...others]) call.cancel()
  await until('none is open', () => server.streams === 0)
})

t.test('Peer.Notify streams and event followers are limited in total and for each client', async t => {
  const { server, local, remote } = await served(t)
  const calls = Array.from({ length: 16 }, () => remote.open(NOTIFY, encode()).resume())
  await until('the share is open', () => server.streams === 16)
  t.match(await remote.statusOf(NOTIFY, encode()), { code: status.RESOURCE_EXHAUSTED, details: /16 streams of one/ })
  calls.push(...Array.from({ length: 48 }, () => local.open('GetDebugEvents', encode([2, true])).resume()))
  await until('all are open', () => server.streams === 64)
  t.match(await local.statusOf(NOTIFY, encode()), { code: status.RESOURCE_EXHAUSTED, details: /64 streams is reached/ })
  for (const call of calls) call.cancel()
  await until('none is open', () => server.streams === 0)
})

t.test('connections of one client address are limited', async t => {
  const { server, tcp } = await served(t)
  const port = Number(tcp.split(':').at(-1))
  const sockets = Array.from({ length: 64 }, () => connect(port, '127.0.0.1'))
  await Promise.all(sockets.map(socket => once(socket, 'connect')))
  const refused = connect(port, '127.0.0.1').resume()
  await once(refused, 'close')
  t.equal(server.connectionsRefused, 1)
  for (const socket of sockets) socket.destroy()
  await until('there is room again', async () => {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    const closed = await Promise.race([once(socket, 'close'), new Promise(resolve => setTimeout(resolve, 50, 'open'))])
    socket.destroy()
    return closed === 'open'
  })
})

t.test('GetNamespaces stops when its caller cancels', async t => {
  const { observer, flows } = await served(t)
  const read = flows.read.bind(flows)
  let reads = 0
  flows.read = sequence => {
    reads++
    return read(sequence)
  }
  const cancelled = new AbortController()
  const answer = observer.namespaces(cancelled.signal)
  cancelled.abort()
  await answer
  t.ok(reads <= 256, `${reads} records read`)
})

t.test('a request whose filters could take forever is answered at once', async t => {
  const { remote } = await served(t)
  const stars = encode([NODE_NAME_FIELD, `${'*e'.repeat(22)}x`])
  const start = performance.now()
  t.strictSame(await remote.flows(encode([REQUEST.whitelist, stars])), [])
  const commas = encode([FILTER.sourceLabel, ','.repeat(150_000)])
  t.match(await remote.statusOf('GetFlows', encode([REQUEST.whitelist, commas])), {
    code: status.INVALID_ARGUMENT,
    details: '150000 characters in a filter value; allowed: at most 2048',
  })
  t.ok(performance.now() - start < 3000)
  t.equal((await remote.flows(encode([REQUEST.whitelist, encode([NODE_NAME_FIELD, NODE])]))).length > 1000, true)
})

t.test('raw records, which contain packets, are served on the unix socket only', async t => {
  const { local, remote } = await served(t)
  t.match(await remote.statusOf(RECORDS, encode()), { code: status.PERMISSION_DENIED, details: /unix socket only/ })
  t.match(await local.statusOf(RECORDS, encode([1, 1])), { code: status.OK })
})
