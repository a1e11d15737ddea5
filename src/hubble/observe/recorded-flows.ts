// SPDX-License-Identifier: Apache-2.0
/**
 * recorded-flows.ts - a recording as a source of flows.
 *
 * In:    the path of a recording; a Resolver that names its addresses.
 * Out:   one response per flow, in the file's order; a flow has its record's time. last() decodes from the end of the file.
 * Fail:  the constructor throws what recording-reader.ts throws. A damaged file yields the flows before the damage, then
 *        sets `damage`.
 */
import { Decoder } from '../../datapath/record/decode.js'
import type { KernelReasons } from '../../datapath/record/reasons.js'
import { Replay } from '../../datapath/source/replay.js'
import type { Flow } from '../flow/flow.js'
import { FlowMaker } from '../flow/maker.js'
import type { Resolver } from '../flow/resolver.js'
import { flowTime } from '../flow/time.js'
import { type FlowResponse, responseOf } from './response.js'

/** Records per batch: few enough that output starts at once. */
const BATCH = 512

export interface RecordedOptions {
  readonly path: string
  readonly resolver: Resolver
  readonly nodeName: string
  readonly version: string
  readonly kernelReasons?: KernelReasons
}

export class RecordedFlows implements Iterable<FlowResponse> {
  /** What is wrong with the file, in one line; set when the damage is reached. */
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

  /** Records with an impossible time. */
  get oddTimes(): number {
    return this.#replay.oddTimes
  }

  /** The last `count` flows that match. Can be called once, in place of iterating. */
  last(count: number, matches: (flow: Flow) => boolean): FlowResponse[] {
    try {
      const { starts, records, damage } = this.#replay.index(BATCH)
      this.damage = damage
      const found: FlowResponse[][] = []
      for (let block = starts.length - 1, missing = count; block >= 0 && missing > 0; block--) {
        this.#replay.seek(starts[block]!)
        this.#replay.run(this.decoder, this.maker, Math.min(BATCH, records - block * BATCH))
        const flows = this.#taken().filter(({ flow }) => flow !== undefined && matches(flow))
        found.push(flows)
        missing -= flows.length
      }
      return found.reverse().flat().slice(-count)
    } finally {
      this.#replay.close()
    }
  }

  /** Can be iterated once: it reads the file while iterating. */
  *[Symbol.iterator](): Generator<FlowResponse> {
    try {
      for (let done = false; !done; ) {
        const result = this.#replay.run(this.decoder, this.maker, BATCH)
        done = result.done
        this.damage = result.damage
        yield* this.#taken()
      }
    } finally {
      this.#replay.close()
    }
  }

  /** The flows made since the last call. */
  #taken(): FlowResponse[] {
    const batch = this.#batch
    this.#batch = []
    return batch
  }
}
