// SPDX-License-Identifier: Apache-2.0
/**
 * log-limit.ts - limits the rate of log lines that peers can cause.
 *
 * In:    log lines. The message is a constant text and is the line's kind; what varies is in the fields.
 * Out:   the first few lines of each kind per interval, then one line with the number of suppressed ones.
 * Never: keeps more than a fixed number of kinds; further ones share a kind.
 */

type Fields = Readonly<Record<string, unknown>>

/** The methods of a log that LogLimit calls and offers. */
export interface LineLog {
  info(fields: Fields, message: string): void
  warn(fields: Fields, message: string): void
  error(fields: Fields, message: string): void
}

export interface LogLimitOptions {
  /** Lines per kind and interval. */
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
    if (this.#mayLog(message)) this.#log.info(fields, message)
  }

  warn(fields: Fields, message: string): void {
    if (this.#mayLog(message)) this.#log.warn(fields, message)
  }

  error(fields: Fields, message: string): void {
    if (this.#mayLog(message)) this.#log.error(fields, message)
  }

  /** Ends an interval: logs how many lines were suppressed, and resets the counts. */
  flush(): void {
    for (const [kind, { suppressed }] of this.#kinds) {
      if (suppressed > 0) this.#log.warn({ kind, suppressed }, 'more lines of this kind were suppressed')
    }
    this.#kinds.clear()
  }

  close(): void {
    clearInterval(this.#timer)
    this.flush()
  }

  /** Whether the kind is below its limit; counts the line either way. */
  #mayLog(message: string): boolean {
    const kind = this.#kindOf(message)
    const may = kind.logged < this.#lines
    if (may) kind.logged++
    else kind.suppressed++
    return may
  }

  #kindOf(name: string): Kind {
    const bounded = this.#kinds.has(name) || this.#kinds.size < this.#most - 1 ? name : 'other'
    const found = this.#kinds.get(bounded) ?? { logged: 0, suppressed: 0 }
    this.#kinds.set(bounded, found)
    return found
  }
}
