/**
 * node-network.test.ts - the node's addresses, uplinks and host routes from rtnetlink messages as ip(8) makes them.
 */
import t from 'tap'
import type { Native, RtnetlinkWatch } from '../../../src/datapath/source/native.js'
import { NodeNetwork } from '../../../src/datapath/source/node-network.js'

const RTM = { newLink: 16, deleteLink: 17, newAddress: 20, deleteAddress: 21, newRoute: 24, deleteRoute: 25 }
const NLMSG_DONE = 3
const INTERRUPTED = 0x10
const MAIN = 254
const LOCAL_TABLE = 255
const AF_BRIDGE = 7
const NUD_PERMANENT = 0x80

function attribute(type: number, bytes: Uint8Array): Buffer {
  const size = 4 + bytes.length
  const out = Buffer.alloc((size + 3) & ~3)
  out.writeUInt16LE(size, 0)
  out.writeUInt16LE(type, 2)
  out.set(bytes, 4)
  return out
}
const u32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer)
const ip = (text: string) =>
  text.includes(':')
    ? Buffer.from(text.split(':').flatMap(group => [...Buffer.from(group, 'hex')]))
    : Buffer.from(text.split('.').map(Number))

function message(type: number, header: Buffer, attributes: readonly Buffer[] = [], flags = 0): Buffer {
  const body = Buffer.concat([header, ...attributes])
  const head = Buffer.alloc(16)
  head.writeUInt32LE(16 + body.length, 0)
  head.writeUInt16LE(type, 4)
  head.writeUInt16LE(flags, 6)
  return Buffer.concat([head, body])
}

interface LinkFields {
  readonly kind?: string
  readonly lower?: number
  readonly master?: number
  readonly up?: boolean
  /** The peer is in another network namespace. */
  readonly away?: boolean
}

function link(type: number, ifindex: number, fields: LinkFields = {}): Buffer {
  const { kind = '', lower = 0, master = 0, up = true, away = false } = fields
  const header = Buffer.alloc(16)
  header.writeUInt16LE(1, 2)
  header.writeInt32LE(ifindex, 4)
  header.writeUInt32LE(up ? 1 : 0, 8)
  const info = attribute(18, attribute(1, Buffer.from(kind)))
  return message(type, header, [
    attribute(3, Buffer.from(`if${ifindex}`)),
    info,
    attribute(5, u32(lower)),
    attribute(10, u32(master)),
    ...(away ? [attribute(37, u32(1))] : []),
  ])
}

function address(type: number, ifindex: number, text: string, bits: number): Buffer {
  const header = Buffer.from([text.includes(':') ? 10 : 2, bits, 0, 0, ifindex, 0, 0, 0])
  return message(type, header, [attribute(1, ip(text))])
}

interface RouteFields {
  readonly gateway?: string
  readonly table?: number
  readonly devices?: readonly number[]
}

function route(type: number, to: string, device: number, { gateway, table = MAIN, devices }: RouteFields = {}): Buffer {
  const [text = '', bits = '0'] = to.split('/')
  const header = Buffer.from([text.includes(':') ? 10 : 2, Number(bits), 0, 0, table, 0, 0, 1, 0, 0, 0, 0])
  const attributes = [attribute(4, u32(device))]
  if (bits !== '0') attributes.push(attribute(1, ip(text)))
  if (gateway !== undefined) attributes.push(attribute(5, ip(gateway)))
  if (devices !== undefined) {
    const hops = devices.map(each => Buffer.concat([Buffer.from([8, 0, 0, 0]), u32(each)]))
    attributes[0] = attribute(9, Buffer.concat(hops))
  }
  return message(type, header, attributes)
}

const done = (flags = 0) => message(NLMSG_DONE, Buffer.alloc(4), [], flags)

/** A watch whose messages the test writes. */
class Script {
  dumps = 0
  closed = false
  readonly #queue: (Buffer | 'lost')[] = []
  #listener: (() => void) | undefined
  readonly watch: RtnetlinkWatch = {
    dump: () => {
      this.dumps++
    },
    read: into => {
      const next = this.#queue.shift()
      if (next === 'lost') throw Object.assign(new Error('lost'), { code: 'ENOBUFS', syscall: 'recv' })
      if (next !== undefined) into.set(next)
      return next?.length ?? 0
    },
    onReadable: listener => {
      this.#listener = listener
    },
    close: () => {
      this.closed = true
    },
  }

  add(...parts: (Buffer | 'lost')[]): void {
    this.#queue.push(...parts)
    this.#listener?.()
  }
}

function network(
  state: { links?: Buffer[]; addresses?: Buffer[]; routes?: Buffer[] },
  watchNeighbours?: (family: number) => RtnetlinkWatch,
) {
  const [links, addresses, routes] = [new Script(), new Script(), new Script()]
  links.add(...(state.links ?? []), done())
  addresses.add(...(state.addresses ?? []), done())
  routes.add(...(state.routes ?? []), done())
  let calls = 0
  const native = {
    watchLinks: () => links.watch,
    watchAddresses: () => addresses.watch,
    watchRoutes: () => routes.watch,
    watchNeighbours,
  } as unknown as Native
  const of = new NodeNetwork(native, undefined, () => calls++)
  return { of, links, addresses, routes, calls: () => calls }
}

/** `neighbours` and `forwarding`: messages that are there when the watch opens. */
function bridged(links: Buffer[], neighbours: Buffer[], forwarding: Buffer[]) {
  const scripts = [new Script(), new Script()] as const
  scripts[0].add(...neighbours, done())
  scripts[1].add(...forwarding, done())
  const routes = [route(RTM.newRoute, '0.0.0.0/0', 7, { gateway: '10.0.0.1' })]
  const base = network({ links, routes }, family => scripts[family === AF_BRIDGE ? 1 : 0].watch)
  return { ...base, neighbours: scripts[0], forwarding: scripts[1] }
}

const MAC = Buffer.from('020000000001', 'hex')

function neighbour(type: number, ifindex: number, attributes: readonly Buffer[], family = 2, state = 2): Buffer {
  const header = Buffer.alloc(12)
  header.writeUInt8(family, 0)
  header.writeInt32LE(ifindex, 4)
  header.writeUInt16LE(state, 8)
  return message(type, header, attributes)
}

const gateway = (ifindex: number) => neighbour(28, ifindex, [attribute(1, ip('10.0.0.1')), attribute(2, MAC)])
const learned = (port: number, state = 2) =>
  neighbour(28, port, [attribute(2, MAC), attribute(9, u32(7))], AF_BRIDGE, state)

const turn = () => new Promise<void>(resolve => void setImmediate(() => setImmediate(resolve)))
const uplinks = (of: NodeNetwork) => [...of.uplinks()].sort()

t.test('the device of a default route is an uplink, with all devices of a multipath route', async t => {
  const links = [1, 2, 3, 4].map(ifindex => link(RTM.newLink, ifindex, { kind: 'veth' }))
  const single = network({ links, routes: [route(RTM.newRoute, '0.0.0.0/0', 2, { gateway: '10.0.0.1' })] })
  t.strictSame(uplinks(single.of), [2])
  const several = network({ links, routes: [route(RTM.newRoute, '0000::/0', 0, { devices: [3, 4] })] })
  t.strictSame(uplinks(several.of), [3, 4])
  const policy = network({ links, routes: [route(RTM.newRoute, '0.0.0.0/0', 2, { table: 100 })] })
  t.strictSame(uplinks(policy.of), [], 'a table of a policy may lead to a pod')
})

t.test('what a default device is made of is an uplink, too', async t => {
  const links = [
    link(RTM.newLink, 2, { kind: 'veth' }),
    link(RTM.newLink, 3, { kind: 'veth', master: 4 }),
    link(RTM.newLink, 4, { kind: 'bond' }),
    link(RTM.newLink, 5, { kind: 'vlan', lower: 4 }),
    link(RTM.newLink, 6, { kind: 'veth', master: 7 }),
    link(RTM.newLink, 7, { kind: 'bridge' }),
  ]
  t.strictSame(uplinks(network({ links, routes: [route(RTM.newRoute, '0.0.0.0/0', 5)] }).of), [3, 4, 5])
  const bridge = network({ links, routes: [route(RTM.newRoute, '0.0.0.0/0', 7)] })
  t.strictSame(uplinks(bridge.of), [7], "a port of the node's bridge may be a pod's")
})

const PORTS = [
  link(RTM.newLink, 5, { kind: 'veth', master: 7, away: true }),
  link(RTM.newLink, 6, { kind: 'veth', master: 7, away: true }),
  link(RTM.newLink, 7, { kind: 'bridge' }),
]

t.test('the port of a bridge behind which the gateway is learned is an uplink', async t => {
  const { of, forwarding, calls } = bridged(PORTS, [gateway(7)], [learned(5, NUD_PERMANENT)])
  t.strictSame(uplinks(of), [7], "not learned yet: the bridge's own entries do not count")
  t.strictSame(of.unknownUplinks(), ['if7'])
  forwarding.add(learned(6))
  await turn()
  t.strictSame(uplinks(of), [6, 7])
  t.strictSame(of.unknownUplinks(), [])
  t.equal(calls(), 1)
  forwarding.add(learned(5))
  await turn()
  t.strictSame(uplinks(of), [5, 7], 'it moves with the gateway')
  forwarding.add(neighbour(29, 5, [attribute(2, MAC), attribute(9, u32(7))], AF_BRIDGE))
  await turn()
  t.strictSame(uplinks(of), [5, 7], 'an entry that expires changes nothing')
})

t.test('the only port of a bridge with the default route is its uplink', async t => {
  const { of } = bridged([PORTS[0]!, PORTS[2]!], [], [])
  t.strictSame(uplinks(of), [5, 7])
})

t.test('a bridge with hardware among its ports needs no gateway', async t => {
  const { of } = bridged([...PORTS, link(RTM.newLink, 2, { master: 7 })], [], [])
  t.strictSame(uplinks(of), [7])
  t.strictSame(of.unknownUplinks(), [])
})

t.test('Open vSwitch with veths alone may hide an uplink', async t => {
  const links = [
    link(RTM.newLink, 4, { kind: 'openvswitch' }),
    link(RTM.newLink, 5, { kind: 'veth', master: 4, away: true }),
    link(RTM.newLink, 7, { kind: 'openvswitch' }),
  ]
  const { of } = bridged(links, [], [])
  t.strictSame(uplinks(of), [7])
  t.strictSame(of.unknownUplinks(), ['if7'])
})

t.test("an interface with the node's address is an uplink, one with a pod's gateway is not", async t => {
  const links = [2, 3, 4, 5, 6].map(ifindex => link(RTM.newLink, ifindex, { kind: 'veth' }))
  const addresses = [
    address(RTM.newAddress, 2, '10.0.0.5', 24),
    address(RTM.newAddress, 3, '169.254.1.1', 16),
    address(RTM.newAddress, 3, 'fe80:0000:0000:0000:0000:0000:0000:0001', 64),
    address(RTM.newAddress, 4, '10.244.0.1', 32),
    address(RTM.newAddress, 5, '10.244.1.1', 24),
    address(RTM.newAddress, 6, '10.244.1.1', 24),
  ]
  const { of } = network({ links, addresses })
  t.strictSame(uplinks(of), [2])
  t.strictSame([...of.addresses()].sort(), ['10.0.0.5', '10.244.0.1', '10.244.1.1', '169.254.1.1', 'fe80::1'])
})

t.test('a route of a single address leads to an interface, unless a gateway is between', async t => {
  const { of } = network({
    links: [link(RTM.newLink, 2), link(RTM.newLink, 3, { up: false })],
    routes: [
      route(RTM.newRoute, '10.1.0.2/32', 2),
      route(RTM.newRoute, 'fd00:0000:0000:0000:0000:0000:0000:0002/128', 2),
      route(RTM.newRoute, '10.1.0.3/32', 2, { gateway: '10.0.0.1' }),
      route(RTM.newRoute, '10.1.0.4/32', 3),
      route(RTM.newRoute, '10.1.0.5/32', 2, { table: LOCAL_TABLE }),
      route(RTM.newRoute, '10.2.0.0/16', 2),
    ],
  })
  t.strictSame(
    [...of.hostRoutes()],
    [
      { address: '10.1.0.2', ifindex: 2 },
      { address: 'fd00::2', ifindex: 2 },
    ],
  )
})

t.test('changes are followed, and the listener is called once for all changes of a turn', async t => {
  const { of, links, addresses, routes, calls } = network({ links: [link(RTM.newLink, 2)] })
  await turn()
  t.equal(calls(), 0, 'the state at the start is no change')
  links.add(link(RTM.newLink, 3, { kind: 'veth' }))
  addresses.add(address(RTM.newAddress, 3, '10.0.0.5', 24))
  routes.add(route(RTM.newRoute, '10.1.0.2/32', 3))
  await turn()
  t.equal(calls(), 1)
  t.strictSame(uplinks(of), [3])
  t.strictSame([...of.hostRoutes()], [{ address: '10.1.0.2', ifindex: 3 }])
  links.add(link(RTM.newLink, 3, { kind: 'veth' }))
  await turn()
  t.equal(calls(), 1, 'a message without a change is none')
  addresses.add(address(RTM.deleteAddress, 3, '10.0.0.5', 24))
  await turn()
  t.strictSame([uplinks(of), [...of.addresses()]], [[], []])
  // The kernel removes the IPv4 routes of an interface that goes down without a message.
  links.add(link(RTM.newLink, 3, { kind: 'veth', up: false }))
  await turn()
  links.add(link(RTM.newLink, 3, { kind: 'veth' }))
  await turn()
  t.strictSame([...of.hostRoutes()], [])
  t.equal(calls(), 4)
})

t.test('after lost notifications, a dump removes what it does not list', async t => {
  const { of, addresses } = network({
    links: [link(RTM.newLink, 2)],
    addresses: [address(RTM.newAddress, 2, '10.0.0.5', 24), address(RTM.newAddress, 2, '10.0.0.6', 24)],
  })
  t.equal(addresses.dumps, 1)
  addresses.add('lost', address(RTM.newAddress, 2, '10.0.0.6', 24), done())
  t.equal(addresses.dumps, 2)
  t.strictSame([...of.addresses()], ['10.0.0.6'])
})

t.test('a dump that changes interrupted, or during which notifications were lost, is repeated', async t => {
  const { of, addresses } = network({})
  addresses.add('lost', address(RTM.newAddress, 2, '10.0.0.6', 24), done(INTERRUPTED))
  t.equal(addresses.dumps, 3, 'interrupted')
  addresses.add('lost', done())
  t.equal(addresses.dumps, 4, 'lost')
  addresses.add(address(RTM.newAddress, 2, '10.0.0.7', 24), done())
  t.strictSame([...of.addresses()], ['10.0.0.7'])
})

t.test('a message truncated at any byte, and attributes of another length, are ignored', async t => {
  const whole = [
    address(RTM.newAddress, 2, '10.0.0.5', 24),
    route(RTM.newRoute, '10.1.0.2/32', 2),
    route(RTM.newRoute, '0.0.0.0/0', 0, { devices: [2] }),
  ]
  for (const full of whole)
    for (let length = 16; length < full.length; length++) {
      const cut = Buffer.from(full.subarray(0, length))
      cut.writeUInt32LE(length, 0)
      const { of } = network({ links: [link(RTM.newLink, 2)], addresses: [cut], routes: [cut] })
      t.ok(of.addresses().size <= 1 && [...of.hostRoutes()].length <= 1)
    }
})

t.test('closing closes every watch, and a scheduled call is not made', async t => {
  const { of, links, addresses, routes, calls } = network({})
  links.add(link(RTM.newLink, 2))
  of.close()
  await turn()
  t.equal(calls(), 0)
  t.strictSame([links.closed, addresses.closed, routes.closed], [true, true, true])
})
