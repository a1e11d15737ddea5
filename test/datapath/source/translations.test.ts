/**
 * translations.test.ts - what conntrack says of a connection becomes its peer, the peer's names and the Service.
 */
import t from 'tap'
import { parseInventory } from '../../../src/datapath/inventory/inventory.js'
import { entitiesOf } from '../../../src/datapath/inventory/inventory-entities.js'
import { FLOW_KEY, Hook, IP_INFO, TRANSLATION, TranslationState } from '../../../src/datapath/record/abi.js'
import type { Conntrack, ConntrackEntry, Tuple } from '../../../src/datapath/source/conntrack.js'
import type { BpfObject } from '../../../src/datapath/source/native.js'
import { Translations } from '../../../src/datapath/source/translations.js'
import { formatAddress, parseAddress } from '../../../src/lib/address.js'

const [WEB, DB, SERVICE, NODE, WORLD] = ['10.0.0.1', '10.0.1.2', '10.96.0.10', '10.0.0.254', '93.184.216.34'] as const
const TCP = 6
const entities = entitiesOf(
  parseInventory(
    JSON.stringify({
      endpoints: [
        { ips: [WEB], identity: 1000, pod: 'web', local: true, id: 7 },
        { ips: [DB], identity: 1001, pod: 'db' },
      ],
      nodes: [{ name: 'here', ips: [NODE], local: true }],
      services: [{ ip: SERVICE, port: 80, namespace: 'shop', name: 'db' }],
      cidrs: { '0.0.0.0/0': 2 },
    }),
    'test',
  ),
)

const tuple = (src: string, srcPort: number, dst: string, dstPort: number): Tuple => ({
  src: parseAddress(src),
  dst: parseAddress(dst),
  srcPort,
  dstPort,
  proto: TCP,
})

/** The answer to one connection `a` and `b` of an interface. */
function answered(
  a: [string, number],
  b: [string, number],
  entry: ConntrackEntry | Error | undefined,
  hook: number = Hook.pod,
) {
  const key = Buffer.alloc(FLOW_KEY.size)
  key.set(parseAddress(a[0]), FLOW_KEY.a)
  key.set(parseAddress(b[0]), FLOW_KEY.b)
  key.writeUInt16LE(a[1], FLOW_KEY.aPort)
  key.writeUInt16LE(b[1], FLOW_KEY.bPort)
  key[FLOW_KEY.proto] = TCP
  let written = Buffer.alloc(0)
  const object = {
    read(_: string, into: Uint8Array) {
      into.set(key)
      into.fill(0, FLOW_KEY.size, FLOW_KEY.size + TRANSLATION.size)
      into[FLOW_KEY.size + TRANSLATION.hook] = hook
      return 1
    },
    update(_: string, keys: Uint8Array, values: Uint8Array) {
      if (!key.equals(keys)) throw new Error('another key')
      written = Buffer.from(values)
    },
  } as unknown as BpfObject
  const asked: string[] = []
  const conntrack = {
    ask([{ src, srcPort, dst, dstPort }]: [Tuple]) {
      asked.push(`${formatAddress(src)}:${srcPort} ${formatAddress(dst)}:${dstPort}`)
      if (entry instanceof Error) throw entry
      return [entry]
    },
  } as unknown as Conntrack
  let error: unknown
  try {
    new Translations(object, () => conntrack, entities).answer()
  } catch (reason) {
    error = reason
  }
  return {
    asked: asked[0],
    error,
    state: written[TRANSLATION.state],
    peer: `${formatAddress(written, TRANSLATION.addr)}:${written.readUInt16LE(TRANSLATION.port)}`,
    pod: entities.pod(written.readUInt32LE(TRANSLATION.info + IP_INFO.entity)),
    identity: written.readUInt32LE(TRANSLATION.info + IP_INFO.identity),
    service: entities.service(written.readUInt32LE(TRANSLATION.service)),
  }
}

t.test('a client of a Service: the peer is the backend', async t => {
  const entry = { original: tuple(WEB, 4000, SERVICE, 80), reply: tuple(DB, 8080, WEB, 4000) }
  t.match(answered([WEB, 4000], [SERVICE, 80], entry), {
    asked: `${WEB}:4000 ${SERVICE}:80`,
    state: TranslationState.known,
    peer: `${DB}:8080`,
    pod: 'db',
    identity: 1001,
    service: 'db',
  })
})

t.test('a server behind source NAT: the peer is the client', async t => {
  const entry = { original: tuple(WORLD, 5000, NODE, 30_080), reply: tuple(WEB, 8080, NODE, 6000) }
  t.match(answered([WEB, 8080], [NODE, 6000], entry), { peer: `${WORLD}:5000`, pod: '', identity: 2, service: '' })
})

t.test('an uplink asks for its own side', async t => {
  const entry = { original: tuple(WORLD, 5000, NODE, 30_080), reply: tuple(WEB, 8080, NODE, 6000) }
  const found = answered([NODE, 30_080], [WORLD, 5000], entry, Hook.uplink)
  t.match(found, { asked: `${WORLD}:5000 ${NODE}:30080`, peer: `${WEB}:8080`, pod: 'web' })
})

t.test('without an entry, or without translation, there is none', async t => {
  t.equal(answered([WEB, 4000], [SERVICE, 80], undefined).state, TranslationState.none)
  const same = { original: tuple(WEB, 4000, NODE, 10_250), reply: tuple(NODE, 10_250, WEB, 4000) }
  t.equal(answered([WEB, 4000], [NODE, 10_250], same).state, TranslationState.none)
})

t.test('when conntrack refuses, no connection waits, and the error is thrown', async t => {
  const refused = new Error('refused')
  t.match(answered([WEB, 4000], [SERVICE, 80], refused), { state: TranslationState.none, error: refused })
})

t.test('answers that no connection took leave the table', async t => {
  const states = [TranslationState.known, TranslationState.none, TranslationState.asked]
  const removed: number[] = []
  const updated: number[] = []
  const object = {
    read(_: string, into: Uint8Array) {
      into.fill(0)
      states.forEach((state, i) => {
        const at = i * (FLOW_KEY.size + TRANSLATION.size)
        into[at] = i
        into[at + FLOW_KEY.proto] = TCP
        into[at + FLOW_KEY.size + TRANSLATION.state] = state
      })
      return states.length
    },
    update: (_: string, keys: Uint8Array) => updated.push(keys[0]!),
    remove(_: string, keys: Uint8Array, count: number) {
      for (let i = 0; i < count; i++) removed.push(keys[i * FLOW_KEY.size]!)
    },
  } as unknown as BpfObject
  const conntrack = { ask: () => [undefined] } as unknown as Conntrack
  new Translations(object, () => conntrack, entities).answer()
  t.strictSame([removed, updated], [[0, 1], [2]])
})
