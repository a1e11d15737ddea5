/**
 * answer.ts - Prometheus' answers to the queries of a board: series over a range, or at an instant.
 */

/** A series: its labels, and pairs of a time in seconds since 1970 and a value. An instant query gives one pair. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>
  readonly points: readonly (readonly [time: number, value: number])[]
}

/** The answers to a panel's targets, in their order. */
export type Answers = readonly (readonly Series[])[]

/** The answers of all boards, by uid and panel id. */
export type Recorded = Readonly<Record<string, Readonly<Record<string, Answers>>>>

export interface Range {
  /** Seconds since 1970. */
  readonly from: number
  readonly to: number
  readonly step: number
}

interface Result {
  readonly metric: Readonly<Record<string, string>>
  readonly values?: readonly (readonly [number, string])[]
  readonly value?: readonly [number, string]
}

/** Sends a query to the Prometheus at `url`. Throws Prometheus' error message. */
export async function query(url: string, expr: string, instant: boolean, { from, to, step }: Range): Promise<Series[]> {
  const path = instant
    ? `query?time=${to}&query=${encodeURIComponent(expr)}`
    : `query_range?start=${from}&end=${to}&step=${step}&query=${encodeURIComponent(expr)}`
  const response = await fetch(`${url}/api/v1/${path}`)
  const { error, data } = (await response.json()) as { error?: string; data?: { result: Result[] } }
  if (data === undefined) throw new Error(`${expr}: ${error}`)
  return data.result.map(({ metric, values, value }) => ({
    labels: metric,
    points: (values ?? [value!]).map(([time, text]) => [time, Number(text)] as const),
  }))
}
