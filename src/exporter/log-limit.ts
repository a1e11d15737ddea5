/**
 * log-limit.ts - log lines that a peer can cause, bounded.
 *
 * In:    lines by kind: what happened, in a word of ours.
 * Out:   the first few of each kind in an interval; then one line that says how many were held back.
 * Never: knows more than a bounded number of kinds; those beyond share one.
 */

/** What it needs of a log. */
export interface LineLog {
  warn(fields: Readonly<Record<string, unknown>>, message: string): void
}

export interface LogLimitOptions {
  /** Lines of a kind in an interval. */
  readonly lines?: number
  readonly intervalMs?: number
  readonly kinds?: number
}

interface Kind {
  told: number
  suppressed: number
}

export class LogLimit {
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

  /** A line, unless its kind had enough. */
  warn(kind: string, fields: Readonly<Record<string, unknown>>, message: string): void {
    const of = this.#kindOf(kind)
    if (of.told >= this.#lines) {
      of.suppressed++
      return
    }
    of.told++
    this.#log.warn(fields, message)
  }

  /** The end of an interval: say what was held back, and begin anew. */
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

  #kindOf(name: string): Kind {
    const bounded = this.#kinds.has(name) || this.#kinds.size < this.#most - 1 ? name : 'other'
    const found = this.#kinds.get(bounded) ?? { told: 0, suppressed: 0 }
    this.#kinds.set(bounded, found)
    return found
  }
}
