/**
 * storm.ts - runs the packets of short TCP connections through the programs by BPF_PROG_TEST_RUN; each sends a record.
 *
 * In:    the loaded object, and the number of connections. A later storm reopens the connections of an earlier one.
 * Out:   records on the ring. If it is full, the datapath counts RING_FULL.
 */
import type { BpfObject } from '../src/datapath/source/native.js'
import { PODS } from './datapath.js'
import { Frame, type Peer, TCP } from './ethernet.js'

/** The packets of a connection. Each sends a record: opened, first flags of the peer, handshake complete, FINs, closed. */
const STEPS = [
  { out: true, flags: TCP.syn },
  { out: false, flags: TCP.syn | TCP.ack },
  { out: true, flags: TCP.ack },
  { out: true, flags: TCP.fin | TCP.ack },
  { out: false, flags: TCP.fin | TCP.ack },
  { out: true, flags: TCP.ack },
] as const

const SERVER_PORT = 443
const FIRST_PORT = 32_768
const HOSTS = PODS - 1

/** Runs the storm and returns the number of records it sends. */
export function storm(object: BpfObject, connections: number): number {
  const frames = STEPS.map(({ flags }) => new Frame({ ipv6: false, protocol: 'tcp', flags, payload: 0 }))
  for (const [step, { out }] of STEPS.entries()) {
    for (let i = 0; i < connections; i++) {
      const client = clientOf(i)
      const server = serverOf(i)
      const packet = frames[step]!.aim(out ? client : server, out ? server : client)
      object.testRun(out ? 'weir_from_pod' : 'weir_to_pod', packet, 1)
    }
  }
  return connections * STEPS.length
}

/** Connection `i` goes from pod 0 to one of the other pods. */
function clientOf(i: number): Peer {
  return { host: 0, port: FIRST_PORT + Math.floor(i / HOSTS) }
}

function serverOf(i: number): Peer {
  return { host: 1 + (i % HOSTS), port: SERVER_PORT }
}
