/**
 * case.ts - what a benchmark says of itself.
 *
 * In:    bench/NAME.ts exports these names; bench/main.ts reads them.
 */
export interface Case {
  readonly name: string
  readonly unit: string
  /** What the value must not exceed (or, with `more`, not fall below), in `unit`. */
  readonly limit?: number
  /** True when larger is better. */
  readonly more?: boolean
  /** What a peer needs for the same work on the same kind of machine, in words. */
  readonly peer?: string
  /** The best end of that, in `unit`, for the ratio. */
  readonly peerValue?: number
  /** What else run() measured, a line each; printed below the value, not with --json. */
  readonly notes?: readonly string[]
  run(): Promise<number>
}
