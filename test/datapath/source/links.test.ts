/**
 * links.test.ts - rtnetlink messages as literal bytes: parsed to links, with every kind of damage.
 */
import t from 'tap'
import { isPodLink, type Link, readLinks } from '../../../src/datapath/source/links.js'

type LinkEvent = Link | { readonly gone: number } | { readonly filters: number } | 'complete'

function readEvents(bytes: Uint8Array, length = bytes.length): LinkEvent[] {
  const events: LinkEvent[] = []
  readLinks(bytes, length, {
    present: link => events.push(link),
    gone: ifindex => events.push({ gone: ifindex }),
    filtersChanged: ifindex => events.push({ filters: ifindex }),
    complete: () => events.push('complete'),
  })
  return events
}

const hex = (...lines: string[]): Uint8Array => Buffer.from(lines.join('').replace(/\s+/g, ''), 'hex')

// struct nlmsghdr: length, type, flags, sequence, port. struct ifinfomsg: family, pad, type, index, flags, change.
const VETH = hex(
  '50000000 1000 0200 03000000 00040000',
  '00 00 0100 2a000000 43100100 ffffffff',
  '0900 0300 6c786331 00 000000', // IFLA_IFNAME lxc1, padded
  '0800 0d00 e8030000', // IFLA_TXQLEN: ignored
  '0800 0500 02000000', // IFLA_LINK: index of the peer
  '0c00 1200 0800 0100 76657468', // IFLA_LINKINFO { IFLA_INFO_KIND veth }, not zero-terminated
  '0800 2500 00000000', // IFLA_LINK_NETNSID
)
const BRIDGE = hex(
  '40000000 1000 0000 00000000 00000000',
  '00 00 0100 07000000 00000000 00000000',
  '0700 0300 627230 00', // IFLA_IFNAME br0 without a zero, padded
  '1800 1280 0b00 0100 62726964676500 00 0800 0280 ffffffff', // nested flag set; kind bridge, and IFLA_INFO_DATA
)
const LOOPBACK = hex(
  '28000000 1000 0200 03000000 00040000',
  '00 00 0403 01000000 49000100 00000000',
  '0700 0300 6c6f00 00',
)
const GONE = hex('20000000 1100 0000 00000000 00000000', '00 00 0100 2b000000 00000000 ffffffff')
const DONE = hex('14000000 0300 0200 03000000 00040000 00000000')

const REST = {
  hardware: 1,
  up: false,
  hasXdp: false,
  master: 0,
  lower: 0,
  peerInOtherNetns: false,
  peerIfindex: 0,
  peerNetnsId: -1,
  l3s: false,
}
const PEER = { peerInOtherNetns: true, peerIfindex: 2, peerNetnsId: 0 }
const VETH_LINK = { ...REST, ifindex: 42, up: true, name: 'lxc1', kind: 'veth', ...PEER }
const BRIDGE_LINK = { ...REST, ifindex: 7, name: 'br0', kind: 'bridge' }
const LOOPBACK_LINK = { ...REST, ifindex: 1, hardware: 772, up: true, name: 'lo', kind: '' }
const VLAN = hex(
  '3c000000 1000 0000 00000000 00000000',
  '00 00 0100 09000000 00000000 00000000',
  '0a00 0300 657468302e37 0000', // IFLA_IFNAME eth0.7
  '0800 0500 02000000', // IFLA_LINK: the interface below
  '0800 0a00 05000000', // IFLA_MASTER
)

t.test('an XDP program shows, and none does not', t => {
  // nlmsghdr and ifinfomsg of a link, then IFLA_XDP { IFLA_XDP_ATTACHED mode, IFLA_XDP_PROG_ID 5 }.
  const withXdp = (mode: string) =>
    hex(
      '34000000 1000 0000 00000000 00000000',
      '00 00 0100 09000000 00000000 00000000',
      `14002b80 05000200 ${mode}000000 08000400 05000000`,
    )
  for (const [mode, hasXdp] of [
    ['00', false],
    ['01', true],
    ['02', true],
  ] as const)
    t.match(readEvents(withXdp(mode)), [{ ifindex: 9, hasXdp }], `mode ${mode}`)
  t.end()
})

t.test('notices of qdiscs and filters name their interface', t => {
  // struct tcmsg: family, padding, index, handle, parent, info.
  const tcmsg = '00 000000 2c000000 00000100 f2ffffff 0300 0100'
  for (const type of ['2400', '2500', '2c00', '2d00']) {
    t.strictSame(readEvents(hex(`24000000 ${type} 0000 00000000 00000000`, tcmsg)), [{ filters: 44 }])
  }
  t.end()
})

t.test('a link has its index, name, kind, and whether its peer is in another namespace', async t => {
  t.strictSame(readEvents(VETH), [VETH_LINK])
  t.strictSame(readEvents(BRIDGE), [BRIDGE_LINK])
  t.strictSame(readEvents(LOOPBACK), [LOOPBACK_LINK])
})

t.test('veths and netkits with their peer in another namespace are interfaces of pods', async t => {
  t.ok(isPodLink(VETH_LINK))
  t.ok(isPodLink({ ...VETH_LINK, kind: 'netkit' }))
  t.notOk(isPodLink({ ...VETH_LINK, peerInOtherNetns: false }), 'both sides are here')
  t.notOk(isPodLink({ ...VETH_LINK, kind: 'macvlan' }), 'its peer is the interface below')
})

t.test('a link has the interface below it in the same namespace, and the bridge or bond that it is in', async t => {
  t.strictSame(readEvents(VLAN), [{ ...REST, ifindex: 9, name: 'eth0.7', kind: '', lower: 2, master: 5 }])
})

t.test('an ipvlan device of mode L3S is known as one', async t => {
  const ipvlan = (mode: string) =>
    hex(
      '5c000000 1000 0200 03000000 00040000',
      '00 00 0100 0c000000 43100100 ffffffff',
      '0900 0300 65746830 00 000000', // IFLA_IFNAME eth0
      '0800 0500 02000000', // IFLA_LINK: index of the parent
      '0800 2500 00000000', // IFLA_LINK_NETNSID
      `2000 1200 0b00 0100 6970766c616e00 00`, // IFLA_LINKINFO { IFLA_INFO_KIND ipvlan
      `1000 0200 0600 0100 ${mode} 0000 0600 0200`, // IFLA_INFO_DATA { IFLA_IPVLAN_MODE, IFLA_IPVLAN_FLAGS } }
    )
  const link = { ...REST, ...PEER, ifindex: 12, up: true, name: 'eth0', kind: 'ipvlan' }
  t.strictSame(readEvents(ipvlan('0200')), [{ ...link, l3s: true }])
  for (const mode of ['0000', '0100']) t.strictSame(readEvents(ipvlan(mode)), [link])
})

t.test('messages are read in order up to the end of the dump', async t => {
  const all = Buffer.concat([LOOPBACK, VETH, GONE, BRIDGE, DONE])
  t.strictSame(readEvents(all), [LOOPBACK_LINK, VETH_LINK, { gone: 43 }, BRIDGE_LINK, 'complete'])
  const padded = hex('1f000000 1000 0000 00000000 00000000', '00 00 0100 09000000 00000000 000000', '00')
  t.strictSame(
    readEvents(Buffer.concat([padded, GONE])),
    [{ gone: 43 }],
    'a message with a length that is not a multiple of four is padded',
  )
})

t.test('only the given number of bytes is read, at any offset of the buffer', async t => {
  const buffer = Buffer.concat([Buffer.alloc(5, 0xff), VETH, GONE, Buffer.alloc(64, 0xff)])
  t.strictSame(readEvents(buffer.subarray(5), VETH.length), [VETH_LINK])
  t.strictSame(readEvents(buffer.subarray(5), VETH.length + GONE.length), [VETH_LINK, { gone: 43 }])
  t.strictSame(readEvents(VETH, 0), [])
})

t.test('messages of other families, errors and unknown types are ignored', async t => {
  const bridgePort = Buffer.from(VETH)
  bridgePort[16] = 7 // AF_BRIDGE
  t.strictSame(readEvents(bridgePort), [])
  const gonePort = Buffer.from(GONE)
  gonePort[16] = 7
  t.strictSame(readEvents(gonePort), [], 'an interface removed from its bridge still exists')
  const error = hex('24000000 0200 0000 03000000 00040000 f0ffffff 14000000 1200 0103 03000000 00000000')
  const address = Buffer.from(VETH)
  address[4] = 20 // RTM_NEWADDR
  t.strictSame(readEvents(Buffer.concat([error, address, LOOPBACK])), [LOOPBACK_LINK])
})

t.test('a message truncated at any byte is ignored', async t => {
  const whole = Buffer.concat([GONE, VETH])
  for (let length = GONE.length; length < whole.length; length++) {
    t.strictSame(readEvents(whole, length), [{ gone: 43 }], `${length} bytes`)
  }
})

t.test('a message with a wrong length ends the parsing, and one too short for a link is skipped', async t => {
  for (const size of [0, 15, 0x7fffffff, 0xffffffff]) {
    const malformed = Buffer.from(VETH)
    malformed.writeUInt32LE(size, 0)
    t.strictSame(readEvents(Buffer.concat([malformed, GONE])), [], `a message of ${size} bytes`)
  }
  const short = hex('18000000 1000 0000 00000000 00000000 00 00 0100 2a000000')
  t.strictSame(readEvents(Buffer.concat([short, GONE])), [{ gone: 43 }], 'no room for a link')
})

t.test('an attribute with a wrong length ends the attributes of its message, and the next message is read', async t => {
  const NAME = 32
  for (const size of [0, 3, 0x35, 0xffff]) {
    const malformed = Buffer.from(VETH)
    malformed.writeUInt16LE(size, NAME)
    const nothing = { ...REST, ifindex: 42, up: true, name: '', kind: '' }
    t.strictSame(readEvents(Buffer.concat([malformed, GONE])), [nothing, { gone: 43 }], `a name of ${size} bytes`)
  }
  const KIND = 32 + 12 + 8 + 8 + 4
  const malformed = Buffer.from(VETH)
  malformed.writeUInt16LE(0x40, KIND)
  t.strictSame(
    readEvents(malformed),
    [{ ...VETH_LINK, kind: '' }],
    'a nested attribute: the attributes after it are read',
  )
})
