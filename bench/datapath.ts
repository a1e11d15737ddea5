/**
 * datapath.ts - the live source without interfaces and with an inventory of 10,000 prefixes, for BPF_PROG_TEST_RUN.
 *
 * In:    root. Packets come only from testRun(); drops on the machine reach the ring as on any node.
 * Out:   Live and its BPF object, so that the same code is measured as in `weir run`.
 */

import type { Entities } from '../src/datapath/identity/entities.js'
import { parseInventory } from '../src/datapath/inventory/inventory.js'
import { entitiesOf } from '../src/datapath/inventory/inventory-entities.js'
import { KernelReasons } from '../src/datapath/record/reasons.js'
import { Live, type LiveListener } from '../src/datapath/source/live.js'
import { type BpfObject, loadNative, type Native } from '../src/datapath/source/native.js'
import type { RingKind } from '../src/datapath/source/ring.js'
import { Reducer } from '../src/exporter/reduce/reduce.js'
import { SeriesStore } from '../src/exporter/series/series.js'

/** Pods of the inventory, each with an IPv4 and an IPv6 address and a prefix for both. */
export const PODS = 5_000
const WORKLOADS = 100
const FIRST_IDENTITY = 1_000
/** The default of `--ring-pages`. */
export const RING_PAGES = 64

export interface Datapath {
  readonly object: BpfObject
  readonly live: Live
  readonly entities: Entities
  readonly native: Native
}

export interface DatapathOptions {
  readonly ringPages?: number
  readonly ring?: RingKind
  readonly onFrames?: LiveListener['onFrames']
}

/** Loads the programs, fills the IP cache and opens the ring. End with `live.close()`. Throws without root, or the kernel's error. */
export function openDatapath({ ringPages = RING_PAGES, ring = 'perf', onFrames }: DatapathOptions = {}): Datapath {
  needRoot('it loads BPF programs')
  const native = loadNative()
  const entities = entitiesOf(benchInventory())
  const reducer = new Reducer(
    new SeriesStore(),
    entities,
    new KernelReasons(native.kernelEnum('skb_drop_reason')),
    true,
  )
  let object: BpfObject | undefined
  const capturing: Native = {
    ...native,
    openObject: (path, options) => {
      object = native.openObject(path, options)
      return object
    },
  }
  const live = new Live(capturing, entities, liveOptions(ringPages, ring), reducer, {
    onError: (error, what) => {
      throw new Error(`${what}: ${error.message}`)
    },
    ...(onFrames === undefined ? {} : { onFrames }),
  })
  return { object: object!, live, entities, native }
}

/** Throws without root: a case that measured nothing must not look like a success. */
export function needRoot(reason: string): void {
  if (process.getuid?.() !== 0) throw new Error(`needs root: ${reason}`)
}

function liveOptions(ringPages: number, ring: RingKind) {
  return {
    interfaces: ['weir-bench-none'],
    uplinks: [],
    netns: undefined,
    attach: 'auto' as const,
    reportIntervalMs: 5_000,
    drainIntervalMs: 100,
    ringPages,
    ring,
    connections: 262_144,
  }
}

function benchInventory() {
  const endpoints = Array.from({ length: PODS }, (_, host) => ({
    id: 1 + host,
    ips: [`10.1.${host >> 8}.${host & 255}`, `fd00::${(host >>> 0).toString(16)}`],
    identity: FIRST_IDENTITY + (host % WORKLOADS),
    namespace: `team-${host % 10}`,
    pod: `service-${host % WORKLOADS}-${host}`,
    workload: { kind: 'Deployment', name: `service-${host % WORKLOADS}` },
    local: true,
  }))
  return parseInventory(JSON.stringify({ endpoints, cidrs: { '0.0.0.0/0': 2, '::/0': 2 } }), 'the benchmark inventory')
}
