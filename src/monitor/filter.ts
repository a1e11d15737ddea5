// SPDX-License-Identifier: Apache-2.0
/**
 * filter.ts - decides which messages the monitor prints.
 *
 * In:    message types and endpoint IDs; an ID is compared with a message's source, its destination, or either.
 * Out:   an empty list admits everything. The destination of a policy verdict is its remote identity, cut to 16 bits, as
 *        in `cilium monitor`.
 */
import { MESSAGE_TYPES, type MessageType } from '../datapath/record/message-type.js'

export interface FilterOptions {
  readonly types: readonly MessageType[]
  readonly from: readonly number[]
  readonly to: readonly number[]
  readonly relatedTo: readonly number[]
}

export class Filter {
  readonly #types: ReadonlySet<number>
  readonly #from: ReadonlySet<number>
  readonly #to: ReadonlySet<number>
  readonly #relatedTo: ReadonlySet<number>

  constructor(options: FilterOptions) {
    this.#types = new Set(options.types.map(type => MESSAGE_TYPES[type]))
    this.#from = new Set(options.from)
    this.#to = new Set(options.to)
    this.#relatedTo = new Set(options.relatedTo)
  }

  /** `type` is the first byte of the message. */
  admits(type: number, source: number, destination: number): boolean {
    return (
      admitted(this.#types, type) &&
      admitted(this.#from, source) &&
      admitted(this.#to, destination) &&
      (admitted(this.#relatedTo, source) || this.#relatedTo.has(destination))
    )
  }
}

function admitted(allowed: ReadonlySet<number>, value: number): boolean {
  return allowed.size === 0 || allowed.has(value)
}
