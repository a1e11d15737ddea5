/**
 * case.ts - the description of a benchmark: unit, limit, peer and the function that measures.
 *
 * In:    bench/NAME.ts exports these names; bench/main.ts reads them.
 */
export interface Case {
  readonly name: string
  readonly unit: string
  /** Maximum of the value in `unit`, with `more` its minimum. */
  readonly limit?: number
  /** True when larger is better. */
  readonly more?: boolean
  /** The cost of the same work in another project, on the same kind of machine, as text. */
  readonly peer?: string
  /** The best of those figures in `unit`, for the ratio. */
  readonly peerValue?: number
  /** Other figures from run(), one line each; printed below the value, not with --json. */
  readonly notes?: readonly string[]
  run(): Promise<number>
}
