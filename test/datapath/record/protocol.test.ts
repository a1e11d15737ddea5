/**
 * protocol.test.ts - names of protocols and ICMP types.
 */
import t from 'tap'
import { icmpTypeName, protocolName } from '../../../src/datapath/record/protocol.js'

t.test("protocols have Hubble's names", async t => {
  const names = { 1: 'ICMPv4', 2: 'IGMP', 6: 'TCP', 17: 'UDP', 58: 'ICMPv6', 112: 'VRRP', 132: 'SCTP' }
  for (const [number, name] of Object.entries(names)) t.equal(protocolName(Number(number)), name)
})

t.test('other protocols are IP_NUMBER, and an invalid number is unknown', async t => {
  t.equal(protocolName(47), 'IP_47')
  t.equal(protocolName(0), 'IP_0')
  t.equal(protocolName(255), 'IP_255')
  t.equal(protocolName(-1), 'unknown')
  t.equal(protocolName(256), 'unknown')
})

t.test('an ICMP type has its name in its family only', async t => {
  for (const [type, four, six] of [
    [0, 'EchoReply', '0'],
    [1, '1', 'DestinationUnreachable'],
    [3, 'DestinationUnreachable', 'TimeExceeded'],
    [8, 'EchoRequest', '8'],
    [11, 'TimeExceeded', '11'],
    [128, '128', 'EchoRequest'],
    [129, '129', 'EchoReply'],
    [135, '135', 'NeighborSolicitation'],
    [136, '136', 'NeighborAdvertisement'],
    [255, '255', '255'],
    [-1, 'unknown', 'unknown'],
  ] as const) {
    t.equal(icmpTypeName(false, type), four, `ICMPv4 ${type}`)
    t.equal(icmpTypeName(true, type), six, `ICMPv6 ${type}`)
  }
})
