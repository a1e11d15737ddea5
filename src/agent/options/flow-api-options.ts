// SPDX-License-Identifier: Apache-2.0
/**
 * flow-api-options.ts - the options of the flow API that `weir run` serves.
 */

export interface FlowApiOptions {
  /** Listen addresses. Absent: the default address, if available; empty: no API. */
  readonly apiAddresses?: readonly string[]
  /** Number of flows kept: a power of two minus one. */
  readonly flowBuffer: number
}
