// SPDX-License-Identifier: Apache-2.0
/**
 * response.ts - the result of one request, from everything that can be observed of it.
 *
 * In:    the SDK exporter's result, which hides the status of retried requests; the responses of this thread's HTTP client, from
 *        Node's diagnostics channel; what the SDK logs about a partial success, its only report of it.
 * Out:   a result, and whether the receiver may have the data anyway.
 */
import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import type { ExportResult } from '@opentelemetry/core'
import { ExportResultCode } from '@opentelemetry/core'
import { redacted } from '../lib/redact.js'
import type { PushResult } from './message.js'

export interface ReceiverResponse {
  readonly result: Exclude<PushResult, 'worker_died'>
  /** Error text for the log. */
  readonly detail: string
  readonly rejected: number
  readonly pauseMs: number
  /** The receiver answered that a request of this size is too large. */
  readonly tooLarge: boolean
}

const TOO_LARGE = 413
const TOO_MANY = 429
/** The SDK's log message; its argument is the response's partialSuccess as JSON. */
const PARTIAL = 'Received Partial Success response:'
/** One day: a date further off is a mistake. */
const MAX_PAUSE_MS = 86_400_000
const UNAVAILABLE: ReadonlySet<number> = new Set([502, 503, 504])
const BROKEN: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT'])

/** Watches the requests of one thread, one at a time. */
export class ResponseWatcher {
  readonly #headers: Readonly<Record<string, string>>
  #status: number | undefined
  #retryAfter: string | undefined
  #rejected = 0
  #message = ''

  /** `headers`: of each request; they may hold credentials, which a receiver may echo. */
  constructor(headers: Readonly<Record<string, string>>) {
    this.#headers = headers
    subscribe('http.client.response.finish', message => {
      const { response } = message as { response: IncomingMessage }
      this.#status = response.statusCode
      this.#retryAfter = response.headers['retry-after']
      // The SDK would repeat the request five times without a wait.
      if (pauseOf(this.#retryAfter) === 0) delete response.headers['retry-after']
    })
  }

  /** Call before each request. */
  start(): void {
    this.#status = undefined
    this.#retryAfter = undefined
    this.#rejected = 0
    this.#message = ''
  }

  /** Call with each message that the SDK logs. */
  readLog(message: string, ...more: unknown[]): void {
    if (message !== PARTIAL || typeof more[0] !== 'string') return
    const { rejectedDataPoints, errorMessage } = JSON.parse(more[0]) as Record<string, unknown>
    // A receiver may send anything; a counter must not decrease.
    this.#rejected = Math.max(Number(rejectedDataPoints) || 0, 0)
    this.#message = String(errorMessage ?? '')
  }

  /** The response to a request that the SDK finished with this result. `timedOut`: our own deadline ended the request. */
  responseTo({ code, error }: ExportResult, timedOut: boolean): ReceiverResponse {
    const rest = { rejected: this.#rejected, pauseMs: pauseOf(this.#retryAfter), tooLarge: this.#status === TOO_LARGE }
    if (code === ExportResultCode.SUCCESS) {
      return {
        result: this.#rejected > 0 ? 'partial' : 'success',
        detail: redacted(this.#message, this.#headers),
        ...rest,
      }
    }
    const result = timedOut ? 'timeout' : failureResult(error, this.#status)
    const status = this.#status === undefined ? '' : `status ${this.#status}: `
    return { result, detail: redacted(`${status}${messageOf(error)}`, this.#headers), ...rest }
  }
}

function failureResult(
  error: (Error & { code?: unknown }) | undefined,
  status: number | undefined,
): ReceiverResponse['result'] {
  if (error?.message === 'Request timed out') return 'timeout'
  if (typeof error?.code === 'string') return BROKEN.has(error.code) ? 'broken' : 'unreachable'
  if (status === TOO_MANY) return 'throttled'
  if (status !== undefined && UNAVAILABLE.has(status)) return 'unavailable'
  return 'refused'
}

/** Retry-After in seconds or as a date (RFC 9110). */
function pauseOf(header: string | undefined): number {
  if (header === undefined) return 0
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now()
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), MAX_PAUSE_MS) : 0
}

function messageOf(error: (Error & { data?: unknown }) | undefined): string {
  const data = typeof error?.data === 'string' ? ` (${error.data.slice(0, 200)})` : ''
  return `${error?.message ?? 'no response'}${data}`
}
