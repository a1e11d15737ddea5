// SPDX-License-Identifier: Apache-2.0
/**
 * concurrent.ts - runs a number of jobs, several at a time, and counts their results.
 *
 * In:    number of jobs, concurrency, the job.
 * Out:   counts by result.
 * Fail:  rejects with the error of the first job that throws.
 */

export class Counts {
  readonly #of: Record<string, number> = {}

  add(result: string): void {
    this.#of[result] = (this.#of[result] ?? 0) + 1
  }

  of(result: string): number {
    return this.#of[result] ?? 0
  }

  get all(): Readonly<Record<string, number>> {
    return this.#of
  }
}

/** Runs job(0) ... job(count - 1), at most `concurrency` at a time, and counts the results. */
export async function concurrently(
  count: number,
  concurrency: number,
  job: (n: number) => Promise<string>,
): Promise<Counts> {
  const counts = new Counts()
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) counts.add(await job(next++))
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, worker))
  return counts
}

/** The code of an error, or its text. */
export function errorName(reason: unknown): string {
  return (reason as NodeJS.ErrnoException).code ?? String(reason)
}
