// SPDX-License-Identifier: Apache-2.0
/**
 * recent-lines.ts - the last warnings and errors of the log, for the landing page.
 *
 * In:    log lines as pino writes them.
 * Never: keeps more than the last MAX_LINES, nor more than MAX_CHARACTERS of each.
 */
export interface RecentLine {
  /** ISO 8601. */
  readonly ts: string
  readonly level: 'warn' | 'error'
  /** Message and error, joined. */
  readonly text: string
}

const MAX_LINES = 20
const MAX_CHARACTERS = 300

export class RecentLines {
  readonly #lines: RecentLine[] = []

  /** Oldest first. */
  list(): readonly RecentLine[] {
    return this.#lines
  }

  /** Adds a JSON log line if its level is warn or error. */
  add(line: string): void {
    if (!/"level":"(warn|error)"/.test(line)) return
    const { ts, level, msg, err } = JSON.parse(line) as Record<string, unknown>
    if (level !== 'warn' && level !== 'error') return
    const text = [msg, err].filter(part => part !== undefined).join(': ')
    this.#lines.push({ ts: String(ts), level, text: text.slice(0, MAX_CHARACTERS) })
    if (this.#lines.length > MAX_LINES) this.#lines.shift()
  }
}
