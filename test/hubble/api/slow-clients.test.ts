/**
 * slow-clients.test.ts - a client that does not read: it loses flows and gets their number; other clients lose nothing.
 */
import t, { type Test } from 'tap'
import type { RecordRing } from '../../../src/hubble/api/record-ring.js'
import { FLOW, LOST, RawObserver, REQUEST, RESPONSE } from '../../support/raw-observer.js'
import { fillRing, type Served, serveFlows } from '../../support/served-flows.js'
import { until } from '../../support/until.js'
import { encode, Fields } from '../../support/wire.js'

const CAPACITY = 1023
const CHUNK = 200
const FOLLOW = encode([REQUEST.follow, true])

/** What a client received: flows, and the number of records reported as lost. */
class Received {
  flows = 0
  lost = 0
  readonly uuids = new Set<string>()

  add(bytes: Buffer): void {
    const answer = new Fields(bytes)
    const lost = answer.message(RESPONSE.lost)
    if (answer.has(RESPONSE.flow)) {
      this.flows++
      this.uuids.add(answer.message(RESPONSE.flow).text(FLOW.uuid))
    } else if (lost.number(LOST.source) === LOST.hubbleRing) this.lost += lost.number(LOST.events)
  }
}

/** The recording's records that make flows, each as a frame: one record written is one flow. */
async function flowFrames(t: Test): Promise<Uint8Array[]> {
  const { ring, flows } = await serveFlows(t)
  fillRing(ring)
  const all: Uint8Array[] = []
  for (let n = ring.first; n < ring.next; n++) {
    if (flows.read(n) === undefined) continue
    const frame = Buffer.alloc(4 + ring.size(n))
    frame.writeUInt32LE(ring.size(n))
    frame.set(new Uint8Array(ring.view.buffer, ring.at(n), ring.size(n)), 4)
    all.push(frame)
  }
  return all
}

function write(ring: RecordRing, frames: readonly Uint8Array[], from: number): void {
  for (let i = 0; i < CHUNK; i++) {
    const frame = frames[(from + i) % frames.length]!
    ring.append(frame, frame.length, 1_700_000_000 + from, 0)
  }
}

/** Opens followers, and waits until the server has them all. */
async function followers(t: Test, { server, target }: Served, count: number) {
  const calls = Array.from({ length: count }, () => new RawObserver(t, target).open('GetFlows', FOLLOW))
  await until('all follow', () => server.streams === count)
  return calls
}

t.test('flows and losses add up for a slow client; a fast client loses nothing', async t => {
  const frames = await flowFrames(t)
  const served = await serveFlows(t, CAPACITY)
  const { ring, observer } = served
  const [slow, fast] = await followers(t, served, 2)
  const fastReceived = new Received()
  fast!.on('data', (bytes: Buffer) => fastReceived.add(bytes))
  const slowReceived = new Received()
  // Until the first read the library buffers without limit, so read one message and then stop.
  slow!.on('data', (bytes: Buffer) => slowReceived.add(bytes)).once('data', () => slow!.pause())
  // Many times the capacity of the ring, the library and the sockets together.
  for (let written = 0; written < 20 * CAPACITY; written += CHUNK) {
    write(ring, frames, written)
    await until('the fast client has all flows', () => fastReceived.flows === ring.next)
  }
  t.equal(fastReceived.lost, 0)
  t.equal(observer.lost, 0, 'a loss is counted when the client reads on')

  slow!.resume()
  await until('the slow client has caught up', () => slowReceived.flows + slowReceived.lost >= ring.next)
  t.equal(slowReceived.flows + slowReceived.lost, ring.next)
  t.equal(slowReceived.uuids.size, slowReceived.flows, 'no flow came twice')
  t.ok(slowReceived.lost > 10 * CAPACITY, `${slowReceived.lost} lost`)
  t.equal(observer.lost, slowReceived.lost)

  write(ring, frames, 0)
  await until(
    'both clients continue',
    () => fastReceived.flows === ring.next && slowReceived.flows + slowReceived.lost === ring.next,
  )
})

t.test('a slowly read dump ends, with its losses', async t => {
  const frames = await flowFrames(t)
  const served = await serveFlows(t, CAPACITY)
  const { ring, server } = served
  for (let written = 0; written < CAPACITY; written += CHUNK) write(ring, frames, written)
  const end = ring.next
  const stored = ring.length
  const call = new RawObserver(t, served.target).open('GetFlows', encode())
  await until('the dump has started', () => server.streams === 1)
  for (let written = 0; written < 3 * CAPACITY; written += CHUNK) write(ring, frames, written)
  const received = new Received()
  const ended = new Promise(resolve => call.on('end', resolve))
  call.on('data', (bytes: Buffer) => received.add(bytes))
  await ended
  t.equal(received.flows + received.lost, stored, 'the records in the ring at the request, and none written later')
  t.ok(ring.first > end)
})
