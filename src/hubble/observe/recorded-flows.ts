/**
 * recorded-flows.ts - a recording as a source of flows.
 *
 * In:    the path of a recording; the world that names its addresses.
 * Out:   a response a flow, in the file's order; the time of a flow is the record's.
 * Fail:  the constructor throws what pcap.ts throws. A damaged file gives what precedes the damage; then `damage` says so.
 */
import { Decoder } from '../../datapath/record/decode.js'
import type { KernelReasons } from '../../datapath/record/reasons.js'
import { Replay } from '../../datapath/source/replay.js'
import { FlowMaker } from '../flow/maker.js'
import type { Resolver } from '../flow/resolver.js'
import { flowTime } from '../flow/time.js'
import { type FlowResponse, responseOf } from './response.js'

/** Records a step: little enough to start writing at once. */
const BATCH = 512

export interface RecordedOptions {
  readonly path: string
  readonly resolver: Resolver
  readonly nodeName: string
  readonly version: string
  readonly kernelReasons?: KernelReasons
}

export class RecordedFlows implements Iterable<FlowResponse> {
  /** One line, once it is known. */
  damage: string | undefined
  readonly decoder = new Decoder()
  readonly maker: FlowMaker
  readonly #replay: Replay
  #batch: FlowResponse[] = []

  constructor(options: RecordedOptions) {
    const replay = new Replay(options.path)
    const { path: _, ...rest } = options
    this.#replay = replay
    this.maker = new FlowMaker({
      ...rest,
      now: () => flowTime(replay.seconds, replay.nanoseconds),
      onFlow: flow => this.#batch.push(responseOf(flow)),
    })
  }

  /** Once: the file is read as it goes. */
  *[Symbol.iterator](): Generator<FlowResponse> {
    try {
      for (let done = false; !done; ) {
        const result = this.#replay.run(this.decoder, this.maker, BATCH)
        done = result.done
        this.damage = result.damage
        const batch = this.#batch
        this.#batch = []
        yield* batch
      }
    } finally {
      this.#replay.close()
    }
  }
}
