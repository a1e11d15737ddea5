/**
 * pod-device.test.ts - which interfaces in a pod's namespace are in no pair with one of the node.
 */
import t from 'tap'
import { type NodeView, podDevices } from '../../../src/datapath/source/pod-device.js'

const NODE_ID = 0
const POD = '10.1.0.5'
/** Interface 7 of the node is watched as a pod's; POD is a pod of this node. */
const NODE: NodeView = { isPodInterface: ifindex => ifindex === 7, isLocalPod: address => address === POD }

interface LinkParts {
  readonly ifindex: number
  readonly name: string
  readonly kind?: string
  readonly hardware?: number
  /** The interface below, or the peer. */
  readonly link?: number
  /** Id of its namespace, if that is another. */
  readonly netnsId?: number
  /** Mode of an ipvlan device. */
  readonly mode?: number
}

function attribute(type: number, value: Uint8Array): Buffer {
  const bytes = Buffer.alloc((4 + value.length + 3) & ~3)
  bytes.writeUInt16LE(4 + value.length, 0)
  bytes.writeUInt16LE(type, 2)
  bytes.set(value, 4)
  return bytes
}

function i32(number: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(number)
  return bytes
}

function message(type: number, body: Buffer): Buffer {
  const header = Buffer.alloc(16)
  header.writeUInt32LE(16 + body.length, 0)
  header.writeUInt16LE(type, 4)
  return Buffer.concat([header, body])
}

/** RTM_NEWLINK with IFLA_IFNAME, IFLA_LINK, IFLA_LINKINFO and IFLA_LINK_NETNSID. */
function link({ ifindex, name, kind, hardware = 1, link: below, netnsId, mode }: LinkParts): Buffer {
  const head = Buffer.alloc(16)
  head.writeUInt16LE(hardware, 2)
  head.writeInt32LE(ifindex, 4)
  const parts = [head, attribute(3, Buffer.from(`${name}\0`))]
  if (below !== undefined) parts.push(attribute(5, i32(below)))
  if (netnsId !== undefined) parts.push(attribute(37, i32(netnsId)))
  if (kind !== undefined) {
    const data = mode === undefined ? [] : [attribute(2, attribute(1, Buffer.from([mode, 0])))]
    parts.push(attribute(18, Buffer.concat([attribute(1, Buffer.from(`${kind}\0`)), ...data])))
  }
  return message(16, Buffer.concat(parts))
}

/** RTM_NEWADDR with IFA_ADDRESS. */
function address(ifindex: number, text: string): Buffer {
  const head = Buffer.from([2, 24, 0, 0, 0, 0, 0, 0])
  head.writeUInt32LE(ifindex, 4)
  return message(20, Buffer.concat([head, attribute(1, Buffer.from(text.split('.').map(Number)))]))
}

function devicesOf(...parts: readonly Buffer[]) {
  return podDevices({ inode: 1, nodeId: NODE_ID, messages: Buffer.concat(parts) }, NODE)
}

const LO = link({ ifindex: 1, name: 'lo', hardware: 772 })
const MACVLAN = link({ ifindex: 2, name: 'eth0', kind: 'macvlan', link: 3, netnsId: NODE_ID })
const VETH = link({ ifindex: 2, name: 'eth0', kind: 'veth', link: 7, netnsId: NODE_ID })
const FUNCTION = link({ ifindex: 9, name: 'net1' })
const namesOf = (...parts: readonly Buffer[]) => devicesOf(LO, ...parts).map(({ name }) => name)

t.test('a child of an interface of the node', async t => {
  t.strictSame(devicesOf(LO, MACVLAN, address(1, '127.0.0.1'), address(2, '10.9.0.1')), [
    {
      ifindex: 2,
      name: 'eth0',
      kind: 'macvlan',
      l3s: false,
      parent: 3,
      addresses: ['10.9.0.1'],
      podAddresses: ['10.9.0.1'],
    },
  ])
  for (const kind of ['ipvlan', 'vlan'])
    t.strictSame(namesOf(link({ ifindex: 2, name: 'eth0', kind, link: 3, netnsId: NODE_ID })), ['eth0'], kind)
  const ipvlan = (mode: number) => link({ ifindex: 2, name: 'i', kind: 'ipvlan', link: 3, netnsId: NODE_ID, mode })
  t.strictSame(
    [0, 1, 2].map(mode => devicesOf(ipvlan(mode))[0]?.l3s),
    [false, false, true],
  )
})

t.test(
  'a child of an interface of another namespace is none, unless the address is that of a pod of this node',
  async t => {
    const other = link({ ifindex: 2, name: 'eth0', kind: 'macvlan', link: 3, netnsId: 4 })
    t.strictSame(namesOf(other, address(2, '10.9.0.1')), [])
    const [device] = devicesOf(other, address(2, POD))
    t.match(device, { name: 'eth0', parent: 0, addresses: [POD] })
    const unknown = {
      inode: 1,
      nodeId: -1,
      messages: link({ ifindex: 2, name: 'm', kind: 'macvlan', link: 3, netnsId: -1 }),
    }
    t.strictSame(podDevices(unknown, NODE), [])
  },
)

t.test('a side of a pair is counted at the other side', async t => {
  t.strictSame(namesOf(VETH), [])
  t.strictSame(namesOf(link({ ifindex: 2, name: 'eth0', kind: 'netkit', link: 7, netnsId: NODE_ID })), [])
})

t.test('a second interface of a pod with a pair', async t => {
  const second = link({ ifindex: 9, name: 'net1', kind: 'macvlan', link: 3, netnsId: NODE_ID })
  t.strictSame(namesOf(VETH, second), ['net1'])
  t.strictSame(namesOf(VETH, FUNCTION), ['net1'], 'hardware')
  t.strictSame(namesOf(link({ ifindex: 2, name: 'eth0', kind: 'veth', link: 8, netnsId: NODE_ID }), FUNCTION), [])
})

t.test('the addresses of the whole namespace name the pod of a second interface, if its own do not', async t => {
  const [device] = devicesOf(VETH, FUNCTION, address(2, POD), address(9, '192.168.1.1'), address(9, '169.254.3.3'))
  t.match(device, { addresses: ['192.168.1.1'], podAddresses: [POD, '192.168.1.1'] })
  const [own] = devicesOf(VETH, FUNCTION, address(2, '10.1.0.9'), address(9, POD))
  t.strictSame(own?.podAddresses, [POD])
})

t.test('hardware with the address of a pod of this node', async t => {
  t.strictSame(namesOf(FUNCTION, address(9, '10.9.0.1')), [])
  t.strictSame(namesOf(FUNCTION, address(9, POD)), ['net1'])
})

t.test('devices on top of others of the namespace, and those without hooks, are none', async t => {
  const rest = [
    link({ ifindex: 10, name: 'eth0.5', kind: 'vlan', link: 2 }),
    link({ ifindex: 11, name: 'mv0', kind: 'macvlan', link: 2 }),
    link({ ifindex: 12, name: 'br0', kind: 'bridge' }),
    link({ ifindex: 13, name: 'tun0', kind: 'tun', hardware: 0xfffe }),
    link({ ifindex: 14, name: 'tap', kind: 'macvtap', link: 3, netnsId: NODE_ID }),
    link({ ifindex: 15, name: 'tunl0', kind: 'ipip', hardware: 768, link: 3, netnsId: NODE_ID }),
  ]
  t.strictSame(namesOf(VETH, MACVLAN, ...rest, address(2, POD)), ['eth0'])
})
