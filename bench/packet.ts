/**
 * packet.ts - ns that a data packet of an established TCP connection costs, by BPF_PROG_TEST_RUN.
 *
 * In:    root; 100,000 connections in the table, 10,000 prefixes in the trie, the ring open and read.
 * Out:   the median of RUNS runs of a million packets; as notes the empty program, UDP, IPv6 and new connections.
 * Fail:  throws when the runs sent a record: then another path than the established one was measured.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BpfObject, Native } from '../src/datapath/source/native.js'
import { type Datapath, openDatapath, PODS } from './datapath.js'
import { Frame, type Kind, type Peer, TCP } from './ethernet.js'
import { median, medianOf } from './median.js'
import { scratchDirectory } from './scratch.js'

export const name = 'packet'
export const unit = 'ns'
export const limit = 100
export const peer = 'NetObserv 171-205 ns, Retina 190 ns and 6,450 ns with an event a packet'
export const peerValue = 171
export const notes: string[] = []

const RUNS = 15
const REPEATS = 1_000_000
const CONNECTIONS = 100_000
/** New connections between two drains: the ring takes their records. */
const BATCH = 500
const NEW = 20_000

const POD: Peer = { host: 0, port: 8080 }
const DATA: Kind = { ipv6: false, protocol: 'tcp', flags: TCP.ack, payload: 1448 }

export async function run(): Promise<number> {
  const datapath = openDatapath()
  try {
    fill(datapath)
    const value = established(datapath, DATA)
    notes.length = 0
    note('empty program', emptyCost(datapath.native))
    note('IPv6 TCP', established(datapath, { ...DATA, ipv6: true }))
    note('UDP, answered', established(datapath, { ...DATA, protocol: 'udp', flags: 0 }))
    note('new connection, with its record', newConnection(datapath))
    return value
  } finally {
    datapath.live.close()
  }
}

function note(what: string, ns: number): void {
  notes.push(`${what}: ${ns.toFixed(0)} ns`)
}

/** As many connections as a busy node has, established before Weir started. */
function fill({ object, live }: Datapath): void {
  const frame = new Frame({ ...DATA, payload: 0 })
  for (let i = 0; i < CONNECTIONS; i++) object.testRun('weir_from_pod', frame.aim(POD, peerOf(i)), 1)
  live.collect()
  if (live.connectionsUsed < CONNECTIONS) throw new Error(`the table has ${live.connectionsUsed} connections`)
}

function peerOf(i: number): Peer {
  return { host: 1 + (i % (PODS - 1)), port: 32_768 + Math.floor(i / (PODS - 1)) }
}

/** Both sides have sent a packet, so that UDP too is past its first reply. */
function established({ object, live }: Datapath, kind: Kind): number {
  const other = peerOf(CONNECTIONS / 2)
  const packet = new Frame(kind).aim(POD, other)
  object.testRun('weir_from_pod', packet, 1)
  object.testRun('weir_to_pod', new Frame(kind).aim(other, POD), 1)
  live.collect()
  const before = live.decoder.counts.trace
  const ns = medianOf(RUNS, () => object.testRun('weir_from_pod', packet, REPEATS).ns)
  live.collect()
  const records = live.decoder.counts.trace - before
  if (records !== 1) throw new Error(`${records} records instead of the one that flushing one connection writes`)
  return ns
}

/** ns of the first packet of a connection: single runs, less a single run of the empty program. */
function newConnection({ object, live, native }: Datapath): number {
  const frame = new Frame({ ...DATA, flags: TCP.syn, payload: 0 })
  const times: number[] = []
  for (let i = 0; i < NEW; i++) {
    if (i % BATCH === 0) live.collect()
    times.push(object.testRun('weir_from_pod', frame.aim(peerOf(i), POD), 1).ns)
  }
  return median(times) - withEmpty(native, empty => medianOf(BATCH, () => empty.testRun('empty', frame.bytes, 1).ns))
}

function emptyCost(native: Native): number {
  const { bytes } = new Frame(DATA)
  return withEmpty(native, empty => medianOf(RUNS, () => empty.testRun('empty', bytes, REPEATS).ns))
}

function withEmpty(native: Native, measure: (empty: BpfObject) => number): number {
  const empty = native.openObject(compileEmpty(scratchDirectory()), { knobs: {}, sizes: {} })
  try {
    return measure(empty)
  } finally {
    empty.close()
  }
}

/** Returns the path of the object. The compiler exists: it built the datapath. */
function compileEmpty(directory: string): string {
  const source = fileURLToPath(new URL('./fixtures/empty.bpf.c', import.meta.url))
  const object = join(directory, 'empty.bpf.o')
  const machine = execFileSync('uname', ['-m'], { encoding: 'utf8' }).trim()
  const flags = ['-g', '-O2', '-Wno-unused-parameter', '-target', 'bpf', `-I/usr/include/${machine}-linux-gnu`]
  execFileSync('clang', [...flags, '-c', source, '-o', object])
  return object
}
