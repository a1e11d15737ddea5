/**
 * slow-clients.test.ts - a client that does not read: it loses flows and is told how many, and nobody else notices.
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

/** What a client got: flows, records that it was told to have lost, and how often it was told. */
class Taken {
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

/** The fixture's records that are flows, each as a frame, so that a record more is a flow more. */
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

/** Clients that follow, once the server has them. */
async function followers(t: Test, { server, target }: Served, count: number) {
  const calls = Array.from({ length: count }, () => new RawObserver(t, target).open('GetFlows', FOLLOW))
  await until('all follow', () => server.streams === count)
  return calls
}

t.test('flows and losses add up for who is slow; who is quick loses nothing', async t => {
  const frames = await flowFrames(t)
  const served = await serveFlows(t, CAPACITY)
  const { ring, observer } = served
  const [slow, quick] = await followers(t, served, 2)
  const quickly = new Taken()
  quick!.on('data', (bytes: Buffer) => quickly.add(bytes))
  const slowly = new Taken()
  // The library takes without end what nobody ever asked for: so it reads one, and no more.
  slow!.on('data', (bytes: Buffer) => slowly.add(bytes)).once('data', () => slow!.pause())
  // Many times what the ring, the library and the sockets hold together.
  for (let written = 0; written < 20 * CAPACITY; written += CHUNK) {
    write(ring, frames, written)
    await until('the quick one has it', () => quickly.flows === ring.next)
  }
  t.equal(quickly.lost, 0)
  t.equal(observer.lost, 0, 'nothing is lost before it is read')

  slow!.resume()
  await until('the slow one has caught up', () => slowly.flows + slowly.lost >= ring.next)
  t.equal(slowly.flows + slowly.lost, ring.next)
  t.equal(slowly.uuids.size, slowly.flows, 'no flow came twice')
  t.ok(slowly.lost > 10 * CAPACITY, `${slowly.lost} lost`)
  t.equal(observer.lost, slowly.lost)

  write(ring, frames, 0)
  await until('both go on', () => quickly.flows === ring.next && slowly.flows + slowly.lost === ring.next)
})

t.test('a dump that is read slowly ends, with its losses', async t => {
  const frames = await flowFrames(t)
  const served = await serveFlows(t, CAPACITY)
  const { ring, server } = served
  for (let written = 0; written < CAPACITY; written += CHUNK) write(ring, frames, written)
  const end = ring.next
  const held = ring.length
  const call = new RawObserver(t, served.target).open('GetFlows', encode())
  await until('it has begun', () => server.streams === 1)
  for (let written = 0; written < 3 * CAPACITY; written += CHUNK) write(ring, frames, written)
  const taken = new Taken()
  const ended = new Promise(resolve => call.on('end', resolve))
  call.on('data', (bytes: Buffer) => taken.add(bytes))
  await ended
  t.equal(taken.flows + taken.lost, held, 'what was held when it was asked for, and nothing later')
  t.ok(ring.first > end)
})
