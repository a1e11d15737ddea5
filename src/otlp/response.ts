/**
 * answer.ts - what became of a request, from all that can be seen of it.
 *
 * In:    the exporter's result, which hides the status of what it repeated; the answers of this thread's HTTP client, from Node's
 *        diagnostics channel; what the SDK logs of a partial success, which it tells nowhere else.
 * Out:   an outcome, and whether the receiver may have the data all the same.
 */
import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import type { ExportResult } from '@opentelemetry/core'
import { ExportResultCode } from '@opentelemetry/core'
import type { Outcome } from './message.js'

export interface Answer {
  readonly outcome: Exclude<Outcome, 'worker_died'>
  /** In words, for the log. */
  readonly why: string
  readonly rejected: number
  readonly pauseMs: number
  /** The receiver answered that a request of this size is too large. */
  readonly tooLarge: boolean
}

const TOO_LARGE = 413
const TOO_MANY = 429
/** The SDK's words, with the answer's partialSuccess as JSON behind them. */
const PARTIAL = 'Received Partial Success response:'
/** A day: a date far off is a mistake. */
const MAX_PAUSE_MS = 86_400_000
const WAITS: ReadonlySet<number> = new Set([502, 503, 504])
const CUT: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT'])

/** Watches the requests of one thread, one at a time. */
export class Answers {
  #status: number | undefined
  #retryAfter: string | undefined
  #rejected = 0
  #words = ''

  constructor() {
    subscribe('http.client.response.finish', message => {
      const { response } = message as { response: IncomingMessage }
      this.#status = response.statusCode
      this.#retryAfter = response.headers['retry-after']
    })
  }

  /** A request begins. */
  begin(): void {
    this.#status = undefined
    this.#retryAfter = undefined
    this.#rejected = 0
    this.#words = ''
  }

  /** What the SDK logs, as its diag logger has it. */
  heedLog(message: string, ...more: unknown[]): void {
    if (message !== PARTIAL || typeof more[0] !== 'string') return
    const { rejectedDataPoints, errorMessage } = JSON.parse(more[0]) as Record<string, unknown>
    this.#rejected = Number(rejectedDataPoints ?? 0)
    this.#words = String(errorMessage ?? '')
  }

  /** The request ended with `result`. `late`: our own deadline ended it. */
  of(result: ExportResult, late: boolean): Answer {
    const rest = { rejected: this.#rejected, pauseMs: pauseOf(this.#retryAfter), tooLarge: this.#status === TOO_LARGE }
    if (result.code === ExportResultCode.SUCCESS) {
      return { outcome: this.#rejected > 0 ? 'partial' : 'success', why: this.#words, ...rest }
    }
    const outcome = late ? 'timeout' : failure(result.error, this.#status)
    const status = this.#status === undefined ? '' : `status ${this.#status}: `
    return { outcome, why: `${status}${wordsOf(result.error)}`, ...rest }
  }
}

function failure(error: (Error & { code?: unknown }) | undefined, status: number | undefined): Answer['outcome'] {
  if (error?.message === 'Request timed out') return 'timeout'
  if (typeof error?.code === 'string') return CUT.has(error.code) ? 'broken' : 'unreachable'
  if (status === TOO_MANY) return 'throttled'
  if (status !== undefined && WAITS.has(status)) return 'unavailable'
  return 'refused'
}

/** Seconds, or a date (RFC 9110). */
function pauseOf(header: string | undefined): number {
  if (header === undefined) return 0
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now()
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), MAX_PAUSE_MS) : 0
}

function wordsOf(error: (Error & { data?: unknown }) | undefined): string {
  const data = typeof error?.data === 'string' ? ` (${error.data.slice(0, 200)})` : ''
  return `${error?.message ?? 'no answer'}${data}`
}
