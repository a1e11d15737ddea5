// SPDX-License-Identifier: Apache-2.0
/**
 * ring-flows.ts - decodes records of a ring into flows, on demand.
 *
 * In:    a RecordRing; a Resolver that names addresses.
 * Out:   the flow of a sequence number; every reader gets the same uuid and time for it.
 * Fail:  undefined for a record that makes no flow; the reduce path counts such records.
 */
import { randomUUID } from 'node:crypto'
import { Decoder } from '../../datapath/record/decode.js'
import type { Flow } from '../flow/flow.js'
import { FlowMaker, type FlowOptions } from '../flow/maker.js'
import { flowTime } from '../flow/time.js'
import type { RecordRing } from './record-ring.js'

export type RingFlowsOptions = Pick<FlowOptions, 'resolver' | 'nodeName' | 'version' | 'kernelReasons' | 'serviceOf'>

const SEQUENCE_DIGITS = 12

export class RingFlows {
  readonly #ring: RecordRing
  readonly #decoder = new Decoder()
  readonly #maker: FlowMaker
  readonly #uuidPrefix = randomUUID().slice(0, -SEQUENCE_DIGITS)
  #sequence = 0
  #flow: Flow | undefined

  constructor(ring: RecordRing, options: RingFlowsOptions) {
    this.#ring = ring
    this.#maker = new FlowMaker({
      ...options,
      now: () => flowTime(ring.seconds(this.#sequence), ring.nanoseconds(this.#sequence)),
      uuid: () => this.#uuidPrefix + this.#sequence.toString(16).padStart(SEQUENCE_DIGITS, '0'),
      onFlow: flow => {
        this.#flow = flow
      },
    })
  }

  /** The flow of a record in the ring; undefined when the record makes none. */
  read(sequence: number): Flow | undefined {
    const ring = this.#ring
    this.#sequence = sequence
    this.#flow = undefined
    const size = ring.size(sequence)
    if (size > 0) this.#decoder.record(ring.view, ring.at(sequence), size, this.#maker)
    return this.#flow
  }
}
