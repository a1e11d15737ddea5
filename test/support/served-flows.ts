/**
 * served-flows.ts - a flow API in the test's own process, over a ring that the test fills.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { loadInventory } from '../../src/datapath/inventory/inventory.js'
import { RecordingReader } from '../../src/datapath/source/recording-reader.js'
import { Observer } from '../../src/hubble/api/observer.js'
import { RecordRing } from '../../src/hubble/api/record-ring.js'
import { RingFlows } from '../../src/hubble/api/ring-flows.js'
import { FlowServer } from '../../src/hubble/api/server.js'
import { InventoryResolver } from '../../src/hubble/flow/inventory-resolver.js'

export const NODE = 'node-1'
const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url))

export interface Served {
  readonly ring: RecordRing
  readonly flows: RingFlows
  readonly observer: Observer
  readonly server: FlowServer
  /** For the gRPC library. */
  readonly target: string
  /** For Weir's own client. */
  readonly address: string
}

/** Serves on a socket of its own until the test ends. */
export async function serveFlows(t: Test, capacity = 4095): Promise<Served> {
  const ring = new RecordRing(capacity)
  const resolver = InventoryResolver.from(loadInventory(join(EXAMPLES, 'inventory.json')))
  const flows = new RingFlows(ring, { resolver, nodeName: NODE, version: '1.2.3' })
  const observer = new Observer({
    ring,
    flows,
    nodeName: NODE,
    version: '1.2.3',
    extraStatus: () => [['source', 'a test']],
  })
  const server = await FlowServer.create(observer, NODE)
  const path = socketPath(t)
  t.teardown(() => server.close())
  return { ring, flows, observer, server, target: `unix:${path}`, address: await server.listen(`unix://${path}`) }
}

/** Appends the example recording's records, each with its time. Returns their number. */
export function fillRing(ring: RecordRing): number {
  const reader = new RecordingReader(join(EXAMPLES, 'records.pcap'))
  while (reader.next()) ring.appendRecord(reader.view, reader.at, reader.size, reader.seconds, reader.nanoseconds)
  reader.close()
  return reader.records
}

/** A path short enough for a socket, in a folder that is removed after the test. */
export function socketPath(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'weir-api-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return join(folder, 'api.sock')
}
