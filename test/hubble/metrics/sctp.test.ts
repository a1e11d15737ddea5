/**
 * sctp.test.ts - SCTP chunk types, read from the packet because flows of Cilium 1.19 do not have them.
 */
import t from 'tap'
import { TRACE } from '../../../src/datapath/record/abi.js'
import { ETHERTYPE, ethernet, ipv4, ipv6, PROTOCOL } from '../../support/ethernet.js'
import { feed, hubbleMetrics, seriesOf } from '../../support/hubble-metrics.js'

const MACS = { src: '02:00:00:00:00:01', dst: '02:00:00:00:00:02' }
const FOUR = { src: '10.200.0.10', dst: '10.201.1.11' }
const SIX = { src: 'fd00:a0::10', dst: 'fd00:a1::11' }
/** IANA's numbers and Hubble's names; DATA, SACK and others have no name. */
const NAMES: Readonly<Record<number, string>> = {
  1: 'INIT',
  2: 'INIT_ACK',
  6: 'ABORT',
  7: 'SHUTDOWN',
  8: 'SHUTDOWN_ACK',
  14: 'SHUTDOWN_COMPLETE',
}

const sctp = (chunk?: number) => {
  const header = Buffer.alloc(12)
  header.writeUInt16BE(40_000, 0)
  header.writeUInt16BE(9, 2)
  return chunk === undefined ? header : Buffer.concat([header, Buffer.from([chunk, 0, 0, 4])])
}

/** A TraceNotify of version 0 at to-endpoint, with this packet. */
const trace = (packet: Uint8Array) => {
  const header = Buffer.alloc(TRACE.origIp)
  header[0] = 4
  header.writeUInt32LE(packet.length, 8)
  header.writeUInt16LE(packet.length, 12)
  return Buffer.concat([header, packet])
}

const over4 = (payload: Buffer) => trace(ethernet(MACS, ETHERTYPE.ipv4, ipv4(FOUR, PROTOCOL.sctp, payload)))
const over6 = (payload: Buffer) => trace(ethernet(MACS, ETHERTYPE.ipv6, ipv6(SIX, PROTOCOL.sctp, payload)))

t.test('the first chunk of a packet counts under its name, if it has one', async t => {
  const metrics = hubbleMetrics('sctp')
  const chunks = Array.from({ length: 256 }, (_, chunk) => chunk)
  feed(metrics, [...chunks.map(chunk => over4(sctp(chunk))), over6(sctp(1)), over6(sctp(1)), over4(sctp())])
  const want = Object.values(NAMES).map(name => [
    `hubble_sctp_chunk_types_total{chunk_type="${name}",family="IPv4"}`,
    1,
  ])
  want.push(['hubble_sctp_chunk_types_total{chunk_type="INIT",family="IPv6"}', 2])
  t.strictSame([...seriesOf(metrics)].sort(), want.sort())
})

t.test('metrics without a chunk label use one key for all chunk types', async t => {
  const metrics = hubbleMetrics('flow')
  feed(metrics, [over4(sctp(1)), over4(sctp(2)), over4(sctp())])
  t.equal(metrics.flowsMade, 1)
  t.strictSame([...seriesOf(metrics).values()], [3])
})
