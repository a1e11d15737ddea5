/**
 * recent-lines.ts - the last warnings and errors of the log, for who cannot read it: the landing page.
 *
 * In:    log lines as pino writes them.
 * Never: keeps more than the last few, nor more than the beginning of a long one.
 */
export interface RecentLine {
  /** ISO 8601. */
  readonly ts: string
  readonly level: 'warn' | 'error'
  /** Message and error in one. */
  readonly text: string
}

const MOST = 20
const MOST_CHARACTERS = 300

export class RecentLines {
  readonly #lines: RecentLine[] = []

  /** The oldest first. */
  list(): readonly RecentLine[] {
    return this.#lines
  }

  /** Takes a JSON line of any level. */
  add(line: string): void {
    if (!/"level":"(warn|error)"/.test(line)) return
    const { ts, level, msg, err } = JSON.parse(line) as Record<string, unknown>
    if (level !== 'warn' && level !== 'error') return
    const text = [msg, err].filter(part => part !== undefined).join(': ')
    this.#lines.push({ ts: String(ts), level, text: text.slice(0, MOST_CHARACTERS) })
    if (this.#lines.length > MOST) this.#lines.shift()
  }
}
