// SPDX-License-Identifier: Apache-2.0
/**
 * log-limit.ts - log lines that a peer can cause, bounded.
 *
 * In:    log lines; their constant message is their kind, all that varies is in the fields.
 * Out:   the first few of each kind in an interval; then one line that says how many were held back.
 * Never: knows more than a bounded number of kinds; those beyond share one.
 */

type Fields = Readonly<Record<string, unknown>>

/** What it needs of a log, and what it is. */
export interface LineLog {
  info(fields: Fields, message: string): void
  warn(fields: Fields, message: string): void
  error(fields: Fields, message: string): void
}

export interface LogLimitOptions {
  /** Lines of a kind in an interval. */
  readonly lines?: number
  readonly intervalMs?: number
  readonly kinds?: number
}

interface Kind {
  logged: number
  suppressed: number
}

export class LogLimit implements LineLog {
  readonly #log: LineLog
  readonly #lines: number
  readonly #most: number
  readonly #timer: NodeJS.Timeout
  readonly #kinds = new Map<string, Kind>()

  constructor(log: LineLog, { lines = 5, intervalMs = 60_000, kinds = 64 }: LogLimitOptions = {}) {
    this.#log = log
    this.#lines = lines
    this.#most = kinds
    this.#timer = setInterval(() => this.flush(), intervalMs).unref()
  }

  info(fields: Fields, message: string): void {
    if (this.#mayTell(message)) this.#log.info(fields, message)
  }

  warn(fields: Fields, message: string): void {
    if (this.#mayTell(message)) this.#log.warn(fields, message)
  }

  error(fields: Fields, message: string): void {
    if (this.#mayTell(message)) this.#log.error(fields, message)
  }

  /** Ends an interval: logs how many lines were suppressed, and resets the counts. */
  flush(): void {
    for (const [kind, { suppressed }] of this.#kinds) {
      if (suppressed > 0) this.#log.warn({ kind, suppressed }, 'more lines of this kind were held back')
    }
    this.#kinds.clear()
  }

  close(): void {
    clearInterval(this.#timer)
    this.flush()
  }

  /** Unless its kind had enough. */
  #mayTell(message: string): boolean {
    const of = this.#kindOf(message)
    const may = of.logged < this.#lines
    if (may) of.logged++
    else of.suppressed++
    return may
  }

  #kindOf(name: string): Kind {
    const bounded = this.#kinds.has(name) || this.#kinds.size < this.#most - 1 ? name : 'other'
    const found = this.#kinds.get(bounded) ?? { logged: 0, suppressed: 0 }
    this.#kinds.set(bounded, found)
    return found
  }
}
