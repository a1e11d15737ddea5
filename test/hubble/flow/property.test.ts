/**
 * property.test.ts - any bytes give a flow or a counted fault, and an encoded record gives its fields back.
 */
import fc from 'fast-check'
import t from 'tap'
import { JsonPrinter } from '../../../src/hubble/observe/print/json-printer.js'
import { responseOf } from '../../../src/hubble/observe/response.js'
import { tcp } from '../../support/ethernet.js'
import { drop, flowOf, maker, packet, trace } from '../../support/flow-records.js'

const sum = (counts: object) => Object.values(counts).reduce((all: number, count: number) => all + count, 0)
/** Noise with a known type gets further than noise alone. */
const bytes = fc
  .tuple(fc.constantFrom(1, 2, 3, 4, 5, 7, 0xff), fc.nat(3), fc.uint8Array({ maxLength: 300 }))
  .map(([type, version, noise]) => {
    const record = Uint8Array.from(noise)
    if (record.length > 0) record[0] = type
    if (record.length > 15) record.set([version, 0], 14)
    return record
  })

t.test('any byte string gives one flow, one debug event or one fault', async t => {
  const property = fc.property(bytes, record => {
    const { feed, decoder, made, flows, debugs } = maker()
    feed(record)
    const emitted = flows.length + debugs.length
    return emitted + sum(made.faults) + sum(decoder.faults) === 1 && made.flows === flows.length
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 5000 }))
})

t.test('any packet behind a valid header gives a flow or a fault, tunnelled or not', async t => {
  const noise = fc.uint8Array({ minLength: 1, maxLength: 200 })
  const property = fc.property(noise, fc.nat(15), fc.boolean(), (packetBytes, flags, asIp) => {
    const body = Buffer.from(packetBytes)
    // Most noise is not IP; with a version and a known protocol it gets further.
    if (asIp && body.length > 40) body.set([(flags & 1) === 0 ? 0x45 : 0x60, 0, 0, body.length])
    const { feed, made, flows } = maker()
    feed(trace({ flags, packet: body }))
    return flows.length + made.faults.packet === 1
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 5000 }))
})

t.test('the fields of an encoded record come back', async t => {
  const port = fc.integer({ min: 1, max: 65_535 })
  fc.assert(
    fc.property(
      fc.nat(13),
      fc.nat(8),
      port,
      port,
      fc.nat(0x1ff),
      fc.nat(65_535),
      (point, reason, from, to, flags, id) => {
        const flow = flowOf(
          trace({ point, reason, source: id, packet: packet(undefined, undefined, tcp(from, to, flags)) }),
        )
        t.equal(flow.event_type?.sub_type ?? 0, point)
        t.equal(flow.l4?.TCP?.source_port, from)
        t.equal(flow.l4?.TCP?.destination_port, to)
        t.equal(Object.keys(flow.l4?.TCP?.flags ?? {}).length, flags.toString(2).replaceAll('0', '').length)
        t.equal(flow.is_reply, reason === 5 || reason === 6 || reason === 7 ? undefined : reason === 2)
      },
    ),
    { numRuns: 200 },
  )
  fc.assert(
    fc.property(fc.nat(255), fc.nat(65_535), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (reason, line, traceId) => {
      const flow = flowOf(drop({ reason, line, traceId }))
      t.equal(flow.drop_reason ?? 0, reason)
      t.equal(flow.file?.line ?? 0, line)
      t.equal(flow.ip_trace_id?.trace_id ?? '0', traceId.toString())
    }),
    { numRuns: 200 },
  )
})

t.test('the printed JSON parses to the flow', async t => {
  fc.assert(
    fc.property(bytes, record => {
      const { feed, flows } = maker()
      feed(record)
      for (const flow of flows) t.strictSame(JSON.parse(new JsonPrinter().print(responseOf(flow))).flow, flow)
    }),
    { numRuns: 300 },
  )
})
