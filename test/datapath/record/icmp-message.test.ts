/**
 * icmp-message.test.ts - the ICMP message of a connection in each direction, from the ports that bpf/parse.h writes.
 */
import t from 'tap'
import { Direction, State } from '../../../src/datapath/record/abi.js'
import { Decoder } from '../../../src/datapath/record/decode.js'
import { icmpMessage } from '../../../src/datapath/record/icmp-message.js'
import { type TraceFields, traceRecord } from '../../support/weir-records.js'

const { aToB, bToA } = Direction

/** Messages from a to b and from b to a. */
function messages(fields: Omit<TraceFields, 'a' | 'b'>): number[] {
  const record = traceRecord({ ...fields, a: '10.0.0.1', b: '10.0.0.2' })
  const found: number[] = []
  const view = new DataView(record.buffer, record.byteOffset, record.length)
  new Decoder().record(view, 0, record.length, {
    trace: trace => found.push(icmpMessage(trace, aToB), icmpMessage(trace, bToA)),
    drop: () => t.fail('a drop'),
    verdict: () => t.fail('a verdict'),
  })
  return found
}

t.test('the initiator sends the echo request, the other side the reply', async t => {
  t.strictSame(messages({ proto: 1, initiator: aToB, aPort: 77, bPort: 0x0800 }), [0x0800, 0x0000])
  t.strictSame(messages({ proto: 1, initiator: bToA, aPort: 0x0800, bPort: 77 }), [0x0000, 0x0800])
  t.strictSame(messages({ proto: 58, initiator: aToB, aPort: 77, bPort: 0x8000 }), [0x8000, 0x8100])
  t.strictSame(messages({ proto: 58, initiator: bToA, aPort: 0x8009, bPort: 77 }), [0x8109, 0x8009])
})

t.test('an echo id that equals a message type is still the id', async t => {
  t.strictSame(messages({ proto: 1, initiator: aToB, aPort: 0x0800, bPort: 0x0800 }), [0x0800, 0x0000])
})

t.test('a related message is in the port of its receiver', async t => {
  const related = { state: State.related, initiator: bToA }
  t.strictSame(messages({ ...related, proto: 1, aPort: 0x0b00, bPort: 0x0301 }), [0x0301, 0x0b00])
  t.strictSame(messages({ ...related, proto: 58, aPort: 0x8000, bPort: 0x0200 }), [0x0200, 0x8000])
})
