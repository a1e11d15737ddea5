// SPDX-License-Identifier: Apache-2.0
/**
 * running-source.ts - a started record source: the kernel, or a recording.
 */
import type { Decoder } from '../../datapath/record/decode.js'
import type { BypassCheck } from '../../datapath/source/bypass-check.js'
import type { Live } from '../../datapath/source/live.js'
import type { Rates } from '../../exporter/http/rates.js'

export interface RunningSource {
  readonly decoder: Decoder
  /** Absent for a recording. */
  readonly live?: Live
  /** Absent for a recording. */
  readonly bypass?: BypassCheck
  /** For the landing page. */
  readonly rates: Rates
  /** Why the source is not ready; undefined if it is. */
  notReady(): string | undefined
  /** For the landing page and `weir status`. */
  status(): readonly (readonly [string, string])[]
  close(): void
}

/** Records decoded since the start. */
export function recordsOf({ counts }: Decoder): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}
