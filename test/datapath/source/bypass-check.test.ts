/**
 * bypass-check.test.ts - which records prove that packets bypass an interface, and which only look like it.
 */
import t from 'tap'
import { Hook, State } from '../../../src/datapath/record/abi.js'
import { Decoder } from '../../../src/datapath/record/decode.js'
import { BypassCheck } from '../../../src/datapath/source/bypass-check.js'
import { type TraceFields, traceRecord } from '../../support/weir-records.js'

const [FIN, SYN, RST, PSH, ACK] = [1, 2, 4, 8, 16]
const TCP = 6
const [FROM_POD, TO_POD] = [0, 1]
const ETH0 = 7
const NET1 = 8
const OPENED = SYN | ACK
const WORKED = SYN | ACK | PSH | FIN
/** A packed counter of direction, size class, packets, bytes. */
const packets = (direction: number, n: number) => [[direction, 1, n, n * 100]] as const
const CLIENT = {
  a: '10.0.0.1',
  b: '10.0.0.2',
  bPort: 80,
  proto: TCP,
  ifindex: ETH0,
  initiator: FROM_POD,
  state: State.new,
}
const SERVER = { ...CLIENT, aPort: 80, initiator: TO_POD, state: State.synAck }

class Bench {
  nowMs = 10_000
  readonly interfaces = new Map([
    [ETH0, { name: 'eth0', attachedMs: 0 }],
    [NET1, { name: 'net1', attachedMs: 0 }],
  ])
  readonly check = new BypassCheck(
    ifindex => this.interfaces.get(ifindex),
    () => this.nowMs,
  )
  readonly #decoder = new Decoder()

  constructor() {
    this.check.flushed(9000)
  }

  /** One record for each number of connections, which differ by the ephemeral port. */
  see(fields: TraceFields, connections = 1): this {
    for (let i = 0; i < connections; i++) {
      const port = fields.aPort === 80 ? { bPort: 40_000 + i } : { aPort: 40_000 + i }
      this.seeExactly({ ...fields, ...port })
    }
    return this
  }

  seeExactly(fields: TraceFields): void {
    const record = traceRecord(fields)
    this.#decoder.record(new DataView(record.buffer, record.byteOffset, record.length), 0, record.length, this.check)
  }

  /** What is bypassed `ms` later. */
  after(ms: number): string[] {
    for (const end = this.nowMs + ms; this.nowMs < end; ) {
      this.nowMs += Math.min(1000, end - this.nowMs)
      this.check.settle()
    }
    return this.check.list().flatMap(one => (one.bypassed ? [`${one.interface} ${one.direction}`] : []))
  }
}

interface Case {
  readonly title: string
  readonly see: (bench: Bench) => unknown
  readonly bypassed: readonly string[]
}

const CASES: readonly Case[] = [
  {
    title: 'clients whose ACKs answer nothing that was seen',
    see: bench => bench.see({ ...CLIENT, seen: [OPENED, 0] }, 3),
    bypassed: ['eth0 to_pod'],
  },
  {
    title: 'servers that answer requests that were not seen',
    see: bench => bench.see({ ...SERVER, seen: [WORKED, 0] }, 3),
    bypassed: ['eth0 to_pod'],
  },
  {
    title: 'servers of which only the first SYN was seen',
    see: bench => bench.see({ ...SERVER, seen: [WORKED, SYN] }, 3),
    bypassed: ['eth0 to_pod'],
  },
  {
    title: 'clients that open connections without sending anything that was seen',
    see: bench => bench.see({ ...CLIENT, state: State.synAck, seen: [0, WORKED] }, 3),
    bypassed: ['eth0 from_pod'],
  },
  {
    title: 'both sides of connections between local pods',
    see: bench => {
      for (let bPort = 50_000; bPort < 50_003; bPort++) {
        const [a, b] = [CLIENT.b, CLIENT.a]
        bench.seeExactly({ ...CLIENT, aPort: bPort, seen: [WORKED, 0] })
        bench.seeExactly({ ...SERVER, a, b, bPort, ifindex: NET1, seen: [WORKED, 0] })
      }
    },
    bypassed: ['eth0 to_pod', 'net1 to_pod'],
  },
  {
    title: 'two connections, each reported several times',
    see: bench => {
      for (let i = 0; i < 5; i++) bench.see({ ...CLIENT, seen: [WORKED, 0] }, 2).after(2000)
    },
    bypassed: [],
  },
  {
    title: 'SYNs without an answer, and SYN-ACKs to clients that are gone',
    see: bench => bench.see({ ...CLIENT, seen: [SYN, 0] }, 9).see({ ...SERVER, seen: [OPENED, 0] }, 9),
    bypassed: [],
  },
  {
    title: 'attempts that the client ends with a reset',
    see: bench => bench.see({ ...CLIENT, state: State.closed, seen: [SYN | RST | ACK, 0] }, 9),
    bypassed: [],
  },
  {
    title: 'refused connections: RST-ACK without a SYN',
    see: bench => bench.see({ ...SERVER, state: State.closed, seen: [RST | ACK, 0] }, 9),
    bypassed: [],
  },
  {
    title: 'complete connections',
    see: bench => bench.see({ ...CLIENT, state: State.closed, seen: [WORKED, WORKED] }, 9),
    bypassed: [],
  },
  {
    title: 'answers that were seen shortly after the report',
    see: bench => bench.see({ ...CLIENT, seen: [OPENED, 0] }, 9).see({ ...CLIENT, seen: [OPENED, OPENED] }, 9),
    bypassed: [],
  },
  {
    title: 'a pod that sends by one interface and receives by another',
    see: bench =>
      bench
        .see({ ...CLIENT, state: State.synAck, ifindex: NET1, seen: [0, OPENED] }, 9)
        .see({ ...CLIENT, seen: [WORKED, 0] }, 9),
    bypassed: [],
  },
  {
    title: 'the same, with the other report first',
    see: bench =>
      bench.see({ ...SERVER, seen: [WORKED, 0] }, 9).see({ ...SERVER, ifindex: NET1, seen: [0, WORKED] }, 9),
    bypassed: [],
  },
  {
    title: 'answers from another address: a program after the hook translates a Service',
    see: bench =>
      bench
        .see({ ...CLIENT, b: '10.96.0.1', seen: [WORKED, 0] }, 9)
        .see({ ...CLIENT, state: State.synAck, bPort: 8080, seen: [0, WORKED] }, 9),
    bypassed: [],
  },
  {
    title: 'a pod that forwards packets whose answers go elsewhere',
    see: bench => {
      for (let i = 0; i < 9; i++) {
        const [caller, service] = [
          { a: '192.0.2.1', aPort: 50_000 + i },
          { a: '192.0.2.9', aPort: 443 },
        ]
        const swapped = { a: service.a, b: caller.a, bPort: caller.aPort, aPort: service.aPort }
        const record = (fields: TraceFields) => bench.seeExactly(fields)
        record({ ...CLIENT, ...swapped, initiator: TO_POD, seen: [0, WORKED] })
        record({ ...CLIENT, ...caller, b: service.a, bPort: service.aPort, seen: [WORKED, 0] })
      }
    },
    bypassed: [],
  },
  {
    title: 'deleted entries, other hooks and other protocols',
    see: bench =>
      bench
        .see({ ...CLIENT, seen: [OPENED, 0], timedOut: true }, 9)
        .see({ ...CLIENT, seen: [OPENED, 0], hook: Hook.uplink }, 9)
        .see({ ...CLIENT, seen: [OPENED, 0], proto: 17 }, 9),
    bypassed: [],
  },
  {
    title: 'an interface that is no longer watched',
    see: bench => bench.see({ ...CLIENT, seen: [OPENED, 0], ifindex: 99 }, 9),
    bypassed: [],
  },
]

t.test('what proves that packets bypass an interface', async t => {
  for (const { title, see, bypassed } of CASES) {
    const bench = new Bench()
    see(bench)
    t.strictSame(bench.after(3000), bypassed, title)
  }
})

t.test('evidence is accepted within two seconds', async t => {
  const bench = new Bench().see({ ...SERVER, seen: [WORKED, 0] }, 3)
  t.strictSame(bench.after(2000), ['eth0 to_pod'])
  t.strictSame(bench.check.proofs, { from_pod: 0, to_pod: 3 })
})

t.test('connections from before the attach, or during it, prove nothing', async t => {
  const bench = new Bench()
  bench.interfaces.set(ETH0, { name: 'eth0', attachedMs: 8500 })
  bench.see({ ...CLIENT, seen: [OPENED, 0] }, 3)
  t.strictSame(bench.after(3000), [], 'reported by the first flush')
  bench.check.flushed(9500)
  bench.see({ ...CLIENT, seen: [OPENED, 0] }, 3)
  t.strictSame(bench.after(3000), ['eth0 to_pod'], 'opened later')
})

const STREAM = { ...CLIENT, state: State.established, seen: [ACK, 0] as const }

t.test('a connection from before the start: data without acknowledgements, again and again', async t => {
  const bench = new Bench()
  for (let second = 0; second < 14; second++) {
    bench.see({ ...STREAM, seen: [ACK, 0], counts: packets(FROM_POD, 16) })
    if (second === 7) t.strictSame(bench.after(0), [], 'a few seconds are not enough')
    bench.after(1000)
  }
  t.strictSame(bench.after(1000), ['eth0 to_pod'])
})

t.test('several such connections prove it sooner', async t => {
  const bench = new Bench()
  for (let second = 0; second < 4; second++) {
    bench.see({ ...STREAM, seen: [ACK, 0], counts: packets(TO_POD, 20) }, 3).after(1000)
  }
  t.strictSame(bench.after(1000), ['eth0 from_pod'])
})

t.test('a connection that continues after its peer was lost proves nothing', async t => {
  const bench = new Bench()
  bench.see({ ...STREAM, seen: [ACK, 0], counts: packets(FROM_POD, 500) }, 5)
  for (let second = 0; second < 60; second++) {
    bench.see({ ...STREAM, seen: [ACK, 0], counts: packets(FROM_POD, 3) }, 5).after(1000)
  }
  t.strictSame(bench.after(0), [])
})

t.test('acknowledgements in some reports are enough', async t => {
  const bench = new Bench()
  for (let second = 0; second < 60; second++) {
    const back = second % 3 === 0 ? packets(TO_POD, 1) : []
    bench.see({ ...STREAM, seen: [ACK, 0], counts: [...packets(FROM_POD, 100), ...back] }, 5).after(1000)
  }
  t.strictSame(bench.after(0), [])
})

t.test('it ends after five minutes with complete connections and without evidence', async t => {
  const bench = new Bench().see({ ...CLIENT, seen: [OPENED, 0] }, 3)
  t.strictSame(bench.after(2000), ['eth0 to_pod'])
  t.strictSame(bench.after(400_000), ['eth0 to_pod'], 'silence ends nothing')
  bench.see({ ...CLIENT, state: State.established, seen: [OPENED, OPENED], handshakeNs: 1 }, 3)
  t.strictSame(bench.after(1000), [])
  t.strictSame(
    bench.check.list().map(({ bypassed }) => bypassed),
    [false],
    'still listed, so that its gauge is 0',
  )
})

t.test('an interface that is attached again, or gone, starts without evidence', async t => {
  const bench = new Bench().see({ ...CLIENT, seen: [OPENED, 0] }, 3)
  t.strictSame(bench.after(2000), ['eth0 to_pod'])
  bench.interfaces.set(ETH0, { name: 'eth0', attachedMs: 12_000 })
  t.strictSame(bench.after(1000), [])
  t.strictSame(bench.check.list(), [])
})

t.test('changes are reported once', async t => {
  const bench = new Bench().see({ ...CLIENT, seen: [OPENED, 0] }, 3)
  bench.nowMs += 1000
  t.match(bench.check.settle(), [{ ifindex: ETH0, interface: 'eth0', direction: 'to_pod', bypassed: true }])
  t.strictSame(bench.check.settle(), [])
})

t.test('a flood of half-open connections does not hide evidence', async t => {
  const bench = new Bench()
  for (let port = 0; port < 20_000; port++) bench.see({ ...CLIENT, b: '192.0.2.1', bPort: port, seen: [SYN, 0] })
  bench.see({ ...CLIENT, seen: [OPENED, 0] }, 3)
  t.strictSame(bench.after(2000), ['eth0 to_pod'])
})
