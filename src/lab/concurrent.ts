/**
 * concurrent.ts - a number of jobs, some at a time, and a count of what came of each.
 *
 * In:    how many, how many at once, and the job.
 * Out:   outcomes by name.
 * Fail:  the first job that throws.
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

/** Run job(0) ... job(count - 1), at most `concurrency` at a time; counts what they resolve to. */
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

/** What an error is counted as. */
export function errorName(reason: unknown): string {
  return (reason as NodeJS.ErrnoException).code ?? String(reason)
}
