/**
 * flow-api.ts - the flow API of `weir run`: the ring that a source fills, and the server that reads it.
 *
 * In:    frames or records of the source, with the time at which they came.
 * Out:   nothing is decoded while nobody asks.
 * Fail:  an address that was asked for and cannot be had is a failure; the default one is a log line.
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

/** Where a record of any kind is. */
interface Place {
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

  /** Undefined when no API is wanted: then no record is kept. */
  static of({ apiAddresses, flowBuffer }: FlowApiOptions): FlowApi | undefined {
    return apiAddresses?.length === 0 ? undefined : new FlowApi(new RecordRing(flowBuffer), apiAddresses)
  }

  private constructor(ring: RecordRing, addresses: readonly string[] | undefined) {
    this.#ring = ring
    this.#addresses = addresses
  }

  /** Frames of the live source; `ringLost` is what the kernel's ring has lost so far. */
  frames(frames: Uint8Array, length: number, ringLost: number): void {
    const now = Date.now()
    const seconds = Math.floor(now / MS)
    const nanoseconds = (now % MS) * NS_PER_MS
    if (ringLost > this.#ringLost) this.#ring.appendLoss(ringLost - this.#ringLost, seconds, nanoseconds)
    this.#ringLost = ringLost
    this.#ring.append(frames, length, seconds, nanoseconds)
  }

  /** Records of a recording, at their own time. */
  records(replay: Replay): RecordSink {
    const keep = ({ view, at, size }: Place) =>
      this.#ring.appendRecord(view, at, size, replay.seconds, replay.nanoseconds)
    return { trace: keep, drop: keep, verdict: keep, debug: keep, capture: keep, sock: keep }
  }

  /** Starts serving, once the source runs. `extraStatus` is what `weir status` prints in addition. */
  async start(exporter: Exporter, extraStatus: () => readonly (readonly [string, string])[], log: Log): Promise<void> {
    const { resolver, kernelReasons } = exporter
    const node = { nodeName: nodeName(), version: VERSION }
    const flows = new RingFlows(this.#ring, { resolver, kernelReasons, ...node })
    this.#observer = new Observer({ ring: this.#ring, flows, extraStatus, ...node })
    try {
      // Here and not above: the library takes memory and time that a Weir without the API does not spend.
      const { FlowServer } = await import('../hubble/api/server.js')
      this.#server = await FlowServer.create(this.#observer, node.nodeName)
      for (const address of this.#addresses ?? [DEFAULT_ADDRESS]) {
        log.info({ address: await this.#server.listen(address) }, 'flow API is up')
      }
    } catch (error) {
      await this.close()
      if (this.#addresses !== undefined) throw new Error(`flow API: ${(error as Error).message}`)
      log.info({ err: (error as Error).message }, 'flow API disabled')
    }
  }

  /** Records that slow readers were told to have lost. */
  get lost(): number {
    return this.#observer?.lost ?? 0
  }

  /** Bring the API's own metrics up to date. */
  tell(store: SeriesStore): void {
    store.set(store.family(M.apiStreams).series([]), this.#server?.streams ?? 0)
    store.set(store.family(M.apiLost).series([]), this.lost)
  }

  /** Twice is fine. */
  async close(): Promise<void> {
    await this.#server?.close()
    this.#server = undefined
  }
}
