/**
 * property.test.ts - for any bytes, the monitor prints valid text and counts each record once.
 */
import fc from 'fast-check'
import t from 'tap'
import { connectionText } from '../../src/monitor/connection.js'
import { Span } from '../../src/monitor/layers/span.js'
import { packetText } from '../../src/monitor/packet-text.js'
import { summaryOf } from '../../src/monitor/summary.js'
import { formatterOf } from '../support/monitor-text.js'

const kinds = fc.record({ l3Device: fc.boolean(), ipv6: fc.boolean(), vxlan: fc.boolean(), geneve: fc.boolean() })
/** Some start with a header that announces IPv4 or IPv6, so that the deeper layers get bytes too. */
const packets = fc
  .tuple(
    fc.constantFrom('', '02000000000202000000000108004500', '020000000002020000000001 86dd60'),
    fc.uint8Array({ maxLength: 200 }),
  )
  .map(([head, rest]) => Buffer.concat([Buffer.from(head.replace(' ', ''), 'hex'), rest]))
const verbosities = fc.constantFrom('info', 'debug', 'verbose', 'json' as const)

t.test('a packet of any bytes can be printed', async t => {
  const property = fc.property(packets, kinds, (bytes, kind) => {
    const packet = new Span(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length)
    const texts = [
      packetText(packet, kind, false),
      connectionText(packet, kind),
      JSON.stringify(summaryOf(packet, kind)),
    ]
    return texts.every(text => text === undefined || !/undefined|NaN|\[object/.test(text))
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 3000 }))
})

t.test('a record of any bytes is printed, omitted or refused, and counted once', async t => {
  const types = fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 7, 129)
  const records = fc.tuple(types, fc.uint8Array({ maxLength: 400 })).map(([type, rest]) => Buffer.from([type, ...rest]))
  const property = fc.property(records, verbosities, fc.boolean(), (record, verbosity, hex) => {
    const formatter = formatterOf({ verbosity: verbosity as 'info', hex })
    const view = new DataView(record.buffer, record.byteOffset, record.length)
    const text = formatter.record(view, 0, record.length, 0)
    const { counts, faults } = formatter.decoder
    const sum = [...Object.values(counts), ...Object.values(faults)].reduce((a, b) => a + b)
    return sum === 1 && !/undefined|NaN|\[object/.test(text)
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 3000 }))
})
