/**
 * lines.test.ts - each kind of record at each verbosity, byte by byte.
 */
import t from 'tap'
import { monitorText } from '../support/monitor-text.js'
import {
  DROP_1,
  DROP_3,
  hex,
  patched,
  TRACE_0,
  TRACE_2,
  u32,
  VERDICT_32,
  VERDICT_40,
  WEIR_DROP_RECORD,
  WEIR_TRACE_RECORD,
} from '../support/records.js'

/** UDP over IPv6 from an L3 device. Reasons, flags and the other fields are those of records.ts. */
const UDP = hex(`
  60000000 000b 11 40
  fd000000000000000000000000000001
  fd000000000000000000000000000002
  1f90 0035 000b 0000 616263`)
const SEPARATOR = `${'-'.repeat(78)}\n`
const UDP_LINES =
  'IPv6\t{Contents=[..40..] Payload=[..11..] Version=6 TrafficClass=0 FlowLabel=0 Length=11 NextHeader=UDP HopLimit=64' +
  ' SrcIP=fd00::1 DstIP=fd00::2 HopByHop=nil}\n' +
  'UDP\t{Contents=[..8..] Payload=[97, 98, 99] SrcPort=8080(http-alt) DstPort=53(domain) Length=11 Checksum=0}\n'

/** Replaces a record's packet, and sets len_cap. */
const withPacket = (record: Buffer, packet: Buffer) =>
  patched(Buffer.concat([record.subarray(0, record.length - 4), packet]), 12, packet.length)

/** Flags IPv6 and L3 device. */
const TRACE = patched(withPacket(TRACE_2, UDP), 27, 0x03)
const DROP = patched(withPacket(DROP_3, UDP), 36, 0x03)

t.test(
  'a trace is one line: direction, hash, identities, trace ID, state, interface, address before NAT, packet',
  async t => {
    t.equal(
      monitorText(TRACE),
      '-> network encrypted  flow 0x12345678 , identity 65537->131074 [ ip-trace-id = 4506915426404104 ] state reply' +
        ' ifindex lxc9 orig-ip a00:1:a00:2:a00:3:a00:4: [fd00::1]:8080 -> [fd00::2]:53 udp\n',
    )
    t.equal(
      monitorText(patched(withPacket(TRACE_0, UDP), 27, 0x03)),
      '-> network encrypted  flow 0x12345678 , identity 65537->131074 state reply ifindex lxc9 orig-ip :::' +
        ' [fd00::1]:8080 -> [fd00::2]:53 udp\n',
      'version 0 has neither address nor trace ID',
    )
  },
)

t.test('the trace ID keeps all 64 bits', async t => {
  t.match(monitorText(patched(TRACE, 48, ...hex('ffffffffffffffff'))), '[ ip-trace-id = 18446744073709551615 ]')
})

t.test('a trace names where the packet goes to or comes from', async t => {
  const summaries = [
    '-> endpoint 7',
    '-> proxy port 7',
    '-> host from',
    '-> stack',
    '-> overlay',
    '<- endpoint 4660',
    '<- proxy',
    '<- host',
    '<- stack',
    '<- overlay',
    '<- network',
    '-> network',
    '<- crypto',
    '-> crypto',
    'unknown trace',
  ]
  for (const [point, summary] of summaries.entries())
    t.ok(monitorText(patched(TRACE, 1, point)).startsWith(`${summary} encrypted  flow `), summary)
  t.ok(monitorText(patched(patched(TRACE, 1, 1), 24, 0, 0)).startsWith('-> proxy encrypted'), 'no port')
})

t.test('an unknown reason prints as its number, including the encrypted bit', async t => {
  t.match(monitorText(patched(TRACE, 26, 9)), ' state 9 ')
  t.match(monitorText(patched(TRACE, 26, 0x89)), ' state 137 ')
  t.match(monitorText(patched(TRACE, 26, 8)), ' state encrypt-overlay ')
})

t.test('a verbose trace is followed by its headers, or by a hex dump', async t => {
  const head =
    `${SEPARATOR}CPU 07: MARK 0x12345678 [ IP-TRACE-ID = 4506915426404104 ] FROM 4660 to-network: 1500 bytes` +
    ' (51 captured), state reply, interface lxc9, , identity 65537->131074, orig-ip a00:1:a00:2:a00:3:a00:4, to endpoint 7\n'
  t.equal(monitorText(TRACE, { verbosity: 'verbose' }), head + UDP_LINES)
  t.match(monitorText(TRACE, { verbosity: 'verbose', hex: true }), `${head}00000000  60 00 00 00 00 0b 11 40  fd 00`)
  const bare = patched(patched(TRACE_0.subarray(0, 32), 12, 0, 0), 16, ...Buffer.alloc(16))
  t.equal(
    monitorText(bare, { verbosity: 'verbose' }),
    `${SEPARATOR}CPU 07: MARK 0x12345678 FROM 4660 to-network: 1500 bytes (0 captured), state new, orig-ip 0.0.0.0\n`,
    'unknown values are omitted',
  )
})

t.test('a drop is one line: reason, hash, endpoint, interface, source file, trace ID, identities, packet', async t => {
  t.equal(
    monitorText(DROP),
    'xx drop (Missed tail call to custom program, -5) flow 0x12345678 to endpoint 196611, ifindex 9, file bpf_lxc.c:1633,  [ ip-trace-id = 4506915426404104 ],' +
      ' identity 65537->131074: [fd00::1]:8080 -> [fd00::2]:53 udp\n',
  )
  t.match(monitorText(patched(DROP, 1, 133)), 'xx drop (Policy denied, -5) ')
  t.match(monitorText(patched(patched(DROP, 1, 133), 31, 0)), 'xx drop (Policy denied) ')
  t.match(monitorText(patched(DROP, 1, 250)), 'xx drop (250, -5) ')
  t.match(monitorText(DROP_1), 'file bpf_lxc.c:1633, , identity 65537->131074: [error]\n')
})

t.test('a verbose drop is followed by a hex dump, and with hex by its headers', async t => {
  const head =
    `${SEPARATOR}CPU 07: MARK 0x12345678 FROM 4660 DROP: 1500 bytes, reason Policy denied, -5, identity 65537->131074,` +
    ' to endpoint 196611\n [ IP-TRACE-ID=4506915426404104'
  const drop = patched(DROP, 1, 133)
  t.match(monitorText(drop, { verbosity: 'verbose' }), `${head}00000000  60 00 00 00 00 0b 11 40  fd 00`)
  t.equal(monitorText(drop, { verbosity: 'verbose', hex: true }), head + UDP_LINES)
})

t.test('a policy verdict is the same line at every verbosity', async t => {
  const line =
    'Policy verdict log: flow 0x12345678 local EP ID 4660, remote ID 65537, proto 6, ingress, action audit,' +
    ' auth: spire, match L3-L4, [fd00::1]:8080 -> [fd00::2]:53 udp\n'
  for (const verbosity of ['info', 'debug', 'verbose', 'json'] as const)
    t.equal(monitorText(withPacket(patched(VERDICT_40, 27, 0xd5), UDP), { verbosity }), line, verbosity)
  t.equal(monitorText(withPacket(VERDICT_32, UDP)), line, 'the form of Cilium 1.18')
})

t.test('a policy verdict names its action', async t => {
  const verdict = withPacket(patched(VERDICT_40, 27, 0x86), UDP)
  t.match(monitorText(verdict), ' egress, action deny, auth: spire, match none, ')
  t.match(monitorText(patched(verdict, 20, 0, 0, 0, 0)), ' action allow, ')
  t.match(monitorText(patched(verdict, 20, 1, 2, 0, 0)), ' action redirect, ')
  t.match(monitorText(patched(verdict, 28, 9)), ' auth: Unknown-auth-type-9, ')
})

t.test('reserved identities print as names, unless numbers are requested', async t => {
  const verdict = patched(VERDICT_40, 16, 7, 0, 0, 0)
  t.match(monitorText(verdict), ' remote ID kube-apiserver, ')
  t.match(monitorText(verdict, { names: { identity: String } }), ' remote ID 7, ')
  t.match(monitorText(patched(VERDICT_40, 16, 11, 0, 0, 0)), ' remote ID 11, ', 'it has no name')
})

const DEBUG = Buffer.concat([hex('02 08 3412 78563412'), u32(300), u32(0x0201), u32(3)])

t.test('a debug message is printed at every verbosity but info', async t => {
  t.equal(monitorText(DEBUG), '')
  const line = 'CPU 07: MARK 0x12345678 FROM 4660 DEBUG: CT entry found lifetime=300, revnat=258\n'
  t.equal(monitorText(DEBUG, { verbosity: 'debug' }), line)
  t.equal(monitorText(DEBUG, { verbosity: 'verbose' }), line)
  t.equal(
    monitorText(DEBUG, { verbosity: 'json' }),
    '{"cpu":"CPU 07:","type":"debug","message":"CT entry found lifetime=300, revnat=258"}\n',
  )
})

const SOCK = hex(`07 02 01 00 bb01 0000
  ffffffffffffffff 0200000000000000
  0a000001 000000000000000000000000`)

t.test('a socket trace is printed at verbosity debug only', async t => {
  t.equal(
    monitorText(SOCK, { verbosity: 'debug' }),
    'CPU 07: [post-xlate-fwd] cgroup_id: 2 sock_cookie: 18446744073709551615, dst [10.0.0.1]:443 tcp \n',
  )
  const v6 = patched(patched(SOCK, 2, 2, 1), 24, 0xfd, 0)
  t.match(monitorText(patched(v6, 1, 9), { verbosity: 'debug' }), 'CPU 07: [unknown] cgroup_id: 2 ')
  t.match(monitorText(v6, { verbosity: 'debug' }), 'dst [fd00:1::]:443 udp \n')
  for (const verbosity of ['info', 'verbose', 'json'] as const) t.equal(monitorText(SOCK, { verbosity }), '', verbosity)
})

const ARP = hex('020000000002 020000000001 0806 01')
const CAPTURE = Buffer.concat([hex('03 04 3412 78563412 dc050000 0f00 01 00'), u32(9), u32(0), ARP])

t.test('a debug capture names its capture point', async t => {
  const arp = '02:00:00:00:00:01 -> 02:00:00:00:00:02 ARP\n'
  for (const [subtype, summary, message] of [
    [4, '-> lxc9: ', 'Delivery to ifindex 9'],
    [5, '<- load-balancer lxc9: ', 'Incoming packet to load balancer on ifindex 9'],
    [6, '== v4->v6 9: ', 'Packet after nat46 ifindex 9'],
    [7, '== v6->v4 9: ', 'Packet after nat64 ifindex 9'],
    [8, '', 'Packet to proxy port 2304 (Pre)'],
    [9, '-> proxy port 2304: ', 'Packet to proxy port 2304 (Post)'],
    [10, '', 'Packet going into snat engine on ifindex 9'],
    [11, '', 'Packet coming from snat engine on ifindex 9'],
    [12, '', 'Unknown message type=12 arg1=9'],
  ] as const) {
    const capture = patched(CAPTURE, 1, subtype)
    t.equal(monitorText(capture), summary && `${summary}${arp}`)
    t.equal(
      monitorText(capture, { verbosity: 'verbose' }),
      `${SEPARATOR}CPU 07: MARK 0x12345678 FROM 4660 DEBUG: 15 bytes, ${message}Ethernet\t{Contents=[..14..] Payload=[1]` +
        ' SrcMAC=02:00:00:00:00:01 DstMAC=02:00:00:00:00:02 EthernetType=ARP Length=0}\n',
    )
  }
  t.equal(
    monitorText(CAPTURE, { verbosity: 'json' }),
    '{"cpu":"CPU 07:","type":"capture","mark":"0x12345678","message":"Delivery to ifindex 9","prefix":"-\\u003e lxc9",' +
      `"source":4660,"bytes":15,"summary":"${arp.trim().replace('>', '\\u003e')}"}\n`,
  )
})

t.test('JSON has the keys of cilium monitor in its order', async t => {
  t.equal(
    monitorText(TRACE, { verbosity: 'json' }),
    '{"cpu":"CPU 07:","type":"trace","mark":"0x12345678","ifindex":"lxc9","state":"reply",' +
      '"observationPoint":"to-network","traceSummary":"-\\u003e network","source":4660,"bytes":1500,"srcLabel":65537,' +
      '"dstLabel":131074,"dstID":7,"IpTraceID":4506915426404104,"summary":{' +
      `"ipv6":${JSON.stringify(UDP_LINES.split('\n')[0])},"udp":${JSON.stringify(UDP_LINES.split('\n')[1])},` +
      '"l3":{"src":"fd00::1","dst":"fd00::2"},"l4":{"src":"8080","dst":"53"}}}\n',
  )
  t.equal(
    monitorText(patched(DROP, 12, 0), { verbosity: 'json' }),
    '{"cpu":"CPU 07:","type":"drop","mark":"0x12345678","reason":"Missed tail call to custom program, -5","source":4660,"bytes":1500,"srcLabel":65537,' +
      '"dstLabel":131074,"dstID":196611,"Line":1633,"File":2,"ExtError":-5,"Ifindex":9,"IPTraceID":4506915426404104}\n',
    'nothing captured, no summary',
  )
  t.notMatch(monitorText(TRACE_2, { verbosity: 'json' }), 'summary":', 'no summary of a malformed packet')
  t.notMatch(monitorText(DROP_1, { verbosity: 'json' }), 'IPTraceID')
})

const flushed = (record: Buffer) => patched(record.subarray(0, record.length - 4), 12, 0, 0)

t.test("Weir's records without a packet print source and destination from the extension", async t => {
  const trace = flushed(WEIR_TRACE_RECORD)
  const peers = '10.1.2.3:443 -> [fd00::1]:50000 tcp'
  t.match(monitorText(patched(trace, 56 + 223, 0)), `: ${peers} ACK, RST, FIN\n`)
  t.match(monitorText(patched(trace, 56 + 223, 1)), ': [fd00::1]:50000 -> 10.1.2.3:443 tcp SYN, ACK, RST\n')
  t.match(monitorText(patched(trace, 56 + 220, 1)), / icmp\n$/)
  t.match(monitorText(patched(trace, 56 + 220, 47)), /: \S+ -> \S+\n$/)
  t.match(monitorText(trace, { verbosity: 'verbose' }), /\n\S+ -> \S+ tcp .*\n$/)
  t.match(monitorText(trace, { verbosity: 'json' }), '"summary":{"l3":{"src":')
  const drop = flushed(WEIR_DROP_RECORD)
  const dropped = '10.1.2.3:50000 -> [fd00::1]:443 udp'
  t.match(monitorText(drop), `: ${dropped}\n`)
  t.match(monitorText(drop, { verbosity: 'verbose' }), `${dropped}\n`)
  t.match(monitorText(drop, { verbosity: 'json' }), '"l4":{"src":"50000","dst":"443"}')
  t.match(monitorText(patched(drop, 1, 0)), 'xx drop (REASON_196616) ', "the kernel's reason, where Cilium has none")
})

t.test('an undecodable record is one line', async t => {
  t.equal(monitorText(hex('f6 37')), 'CPU 07: Unknown event: [246 55]\n')
  t.equal(monitorText(TRACE_0.subarray(0, 31)), "cannot decode message type '4': length 31 is too short\n")
  t.equal(monitorText(patched(TRACE_2, 14, 9)), "cannot decode message type '4': unknown version\n")
  t.equal(monitorText(Buffer.alloc(0)), 'cannot decode an empty record\n')
})
