// SPDX-License-Identifier: Apache-2.0
/**
 * flow-api.ts - the flow API of `weir run`: a ring of raw records that the source fills and a server that reads it.
 *
 * In:    frames or records of the source, with their arrival time.
 * Out:   flows are decoded only for connected clients.
 * Fail:  a configured address that is not available is an error; for the default address it is a log line.
 */
import type { RecordSink } from '../datapath/record/decode.js'
import type { Replay } from '../datapath/source/replay.js'
import { M } from '../exporter/catalog/catalog.js'
import type { SeriesStore } from '../exporter/series/series.js'
import { DEFAULT_ADDRESS } from '../hubble/api/address.js'
import { Observer } from '../hubble/api/observer.js'
import { RecordRing } from '../hubble/api/record-ring.js'
import { RingFlows } from '../hubble/api/ring-flows.js'
import type { FlowServer } from '../hubble/api/server.js'
import { VERSION } from '../lib/version.js'
import type { Exporter } from './exporter.js'
import type { Log } from './log.js'
import { nodeName } from './node-name.js'
import type { FlowApiOptions } from './options/flow-api-options.js'

/** Position of a record of any type. */
interface RecordSpan {
  readonly view: DataView
  readonly at: number
  readonly size: number
}

const MS = 1000
const NS_PER_MS = 1_000_000

export class FlowApi {
  readonly #ring: RecordRing
  readonly #addresses: readonly string[] | undefined
  #observer: Observer | undefined
  #server: FlowServer | undefined
  #ringLost = 0
  #live = false

  /** Undefined if the API is disabled; then no records are kept. */
  static of({ apiAddresses, flowBuffer }: FlowApiOptions): FlowApi | undefined {
    return apiAddresses?.length === 0 ? undefined : new FlowApi(new RecordRing(flowBuffer), apiAddresses)
  }

  private constructor(ring: RecordRing, addresses: readonly string[] | undefined) {
    this.#ring = ring
    this.#addresses = addresses
  }

  /** Frames of the live source; `ringLost`: records the perf ring has lost so far. */
  frames(frames: Uint8Array, length: number, ringLost: number): void {
    this.#live = true
    const now = Date.now()
    const seconds = Math.floor(now / MS)
    const nanoseconds = (now % MS) * NS_PER_MS
    if (ringLost > this.#ringLost) this.#ring.appendLoss(ringLost - this.#ringLost, seconds, nanoseconds)
    this.#ringLost = ringLost
    this.#ring.append(frames, length, seconds, nanoseconds)
  }

  /** A sink for the records of a recording, with their own timestamps. */
  records(replay: Replay): RecordSink {
    const keep = ({ view, at, size }: RecordSpan) =>
      this.#ring.appendRecord(view, at, size, replay.seconds, replay.nanoseconds)
    return { trace: keep, drop: keep, verdict: keep, debug: keep, capture: keep, sock: keep }
  }

  /** Starts to serve; `extraStatus`: additional lines of `weir status`. */
  async start(exporter: Exporter, extraStatus: () => readonly (readonly [string, string])[], log: Log): Promise<void> {
    const { resolver, kernelReasons } = exporter
    const node = { nodeName: nodeName(), version: VERSION }
    // Entity ids in a recording are another process's.
    const serviceOf = (entity: number) => (this.#live ? resolver.serviceOf(entity) : undefined)
    const flows = new RingFlows(this.#ring, { resolver, kernelReasons, serviceOf, ...node })
    this.#observer = new Observer({ ring: this.#ring, flows, extraStatus, ...node })
    try {
      // Imported on demand: without the API, Weir saves the memory and load time of gRPC.
      const { FlowServer } = await import('../hubble/api/server.js')
      this.#server = await FlowServer.create(this.#observer, node.nodeName)
      for (const address of this.#addresses ?? [DEFAULT_ADDRESS]) {
        log.info({ address: await this.#server.listen(address) }, 'flow API listening')
      }
    } catch (error) {
      await this.close()
      if (this.#addresses !== undefined) throw new Error(`flow API: ${(error as Error).message}`)
      log.info({ err: (error as Error).message }, 'flow API disabled')
    }
  }

  /** Records lost by slow readers. */
  get lost(): number {
    return this.#observer?.lost ?? 0
  }

  /** Before each page. */
  updateMetrics(store: SeriesStore): void {
    store.set(store.family(M.apiStreams).series([]), this.#server?.streams ?? 0)
    store.set(store.family(M.apiLost).series([]), this.lost)
    const refused = store.family(M.apiRefused)
    store.set(refused.series(['streams']), this.#server?.streamsRefused ?? 0)
    store.set(refused.series(['connections']), this.#server?.connectionsRefused ?? 0)
    store.set(refused.series(['slow_filters']), this.#server?.slowQueries ?? 0)
  }

  /** Safe to call twice. */
  async close(): Promise<void> {
    await this.#server?.close()
    this.#server = undefined
  }
}
