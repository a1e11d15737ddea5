/**
 * texts.test.ts - texts of debug messages, drop reasons, error numbers, ICMP codes and source files.
 */
import t from 'tap'
import { debugText } from '../../src/cilium/debug-text.js'
import { dropText } from '../../src/cilium/drop-text.js'
import { errnoText } from '../../src/cilium/errno.js'
import { icmpText } from '../../src/cilium/icmp-text.js'
import { sourceFile } from '../../src/cilium/source-file.js'

/** Bytes 1.2.3.4, ports 0x1f90 and 0x0035 in host order. */
const ADDRESS = 0x04030201
const OTHER = 0xfefdfcfb
const PORTS = 0x1f90_0035

const text = (subtype: number, arg1 = 0, arg2 = 0, arg3 = 0) =>
  debugText({ subtype, arg1, arg2, arg3 }, ifindex => `if${ifindex}`)

t.test('every sub-type from 1 to 67 has a text', async t => {
  const seen = new Set<string>()
  for (let subtype = 1; subtype <= 67; subtype++) {
    const line = text(subtype, 11, 0x0201, 13)
    t.notMatch(line, /Unknown message|undefined|NaN/, `sub-type ${subtype}`)
    seen.add(line)
  }
  t.equal(seen.size, 62, 'IPv4 and IPv6 share five texts')
  t.equal(text(68, 4_000_000_000, 2), 'Unknown message type=68 arg1=4000000000 arg2=2')
  t.equal(text(0, 1, 2), 'Unknown message type=0 arg1=1 arg2=2')
})

t.test('the sub-type decides whether an argument is an address, ports, an identity or a number', async t => {
  for (const [subtype, args, want] of [
    [1, [10, 11], 'No message, arg1=10 (0xa) arg2=11 (0xb)'],
    [4, [9, 0x0201], 'Local container found ifindex if9 seclabel 258'],
    [6, [PORTS, 0x0603], 'CT lookup: sport=8080 dport=53 nexthdr=6 flags=OUT, RELATED'],
    [9, [PORTS, 0x1100, 0x0201], 'CT created 1/2: sport=8080 dport=53 nexthdr=17 flags= revnat=258'],
    [10, [ADDRESS, 0x0201], 'CT created 2/2: 1.2.3.4 revnat=258'],
    [13, [0xfe80, 0x1], 'ICMPv6 neighbour soliciation for address fe80:1'],
    [15, [2, 0x0201], 'CT verdict: Reply, revnat=258'],
    [15, [133, 0], 'CT verdict: Policy denied, revnat=0'],
    [15, [0xfffffff0, 0], 'CT verdict: 240, 0, revnat=0'],
    [33, [OTHER, 0x5000], 'Service backend slot lookup result: target=251.252.253.254 port=80'],
    [42, [PORTS, ADDRESS, 6], 'Reverse proxy lookup sport=36895 dport=13568 saddr=1.2.3.4 nexthdr=6'],
    [45, [0x5000, 1], 'Resolved L4 policy to: 80 / ingress'],
    [45, [0x5000, 2], 'Resolved L4 policy to: 80 / '],
    [48, [ADDRESS, OTHER, PORTS], 'Conntrack lookup 1/2: src=1.2.3.4:53 dst=251.252.253.254:8080'],
    [49, [0x0603, 1, 2], 'Conntrack lookup 2/2: nexthdr=6 flags=3 dir=1 scope=2'],
    [50, [PORTS, 7, ADDRESS], 'Conntrack create: proxy-port=8080 revnat=13568 src-identity=7 lb=1.2.3.4'],
    [51, [ADDRESS, OTHER, PORTS], 'Conntrack lookup 1/2: src=[::102:304]:53 dst=[::fbfc:fdfe]:8080'],
    [55, [5, 6, 0x5000_0111], 'Matched L4 policy; creating conntrack src=5 dst=6 dport=80 proto=17'],
    [59, [ADDRESS, 8], 'Successfully mapped addr.p4=[::102:304] to identity=8'],
    [60, [1, 2], 'Stale CT entry found stale_ct.rev_nat_id=2, svc.rev_nat_id=1'],
    [64, [0], 'Socket assign: Success'],
    [64, [94], 'Socket assign: socket type not supported'],
    [65, [ADDRESS, OTHER, 10000], 'L7 LB from 1.2.3.4 to 251.252.253.254: proxy port 10000'],
    [66, [0xabc, 0xdef], 'Loopback SNAT from.p4=abc to.p4=def'],
    [67, [0xabc, 0xdef], 'Loopback reverse SNAT from.p4=abc to.p4=def'],
  ] as const)
    t.equal(text(subtype, ...args), want)
})

t.test('numbers without a text print as numbers', async t => {
  t.equal(errnoText(2), 'no such file or directory')
  t.equal(errnoText(4_294_967_274), 'errno 4294967274')
  t.equal(dropText(181, -14), 'Policy denied by denylist, -14')
  t.equal(dropText(159), '159, 0')
  t.same([1, 7, 8, 100, 101, 115, 116].map(sourceFile), [
    'bpf_host.c',
    'bpf_wireguard.c',
    'unknown(8)',
    'unknown(100)',
    'drop.h',
    'classifiers.h',
    'unknown(116)',
  ])
  t.same(
    [icmpText(false, 3, 4), icmpText(false, 3, 16), icmpText(true, 1, 4), icmpText(true, 2, 1), icmpText(true, 130, 0)],
    [
      'DestinationUnreachable(FragmentationNeeded)',
      'DestinationUnreachable(Code: 16)',
      'DestinationUnreachable(PortUnreachable)',
      'PacketTooBig(Code: 1)',
      '130(0)',
    ],
  )
})
