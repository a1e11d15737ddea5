// SPDX-License-Identifier: Apache-2.0
/**
 * api-error.ts - failures of the API server, each with the reason why the watch restarts.
 *
 * In:    HTTP status, Retry-After, a Status object (in a response or an ERROR event), or a system error.
 * Out:   one reason per failure, from a closed set: the label values of weir_kubernetes_watch_restarts_total.
 */

export const RESTART_REASONS = [
  'closed',
  'expired',
  'unauthorized',
  'forbidden',
  'missing',
  'throttled',
  'server_error',
  'refused',
  'unreachable',
  'silent',
  'cut',
  'malformed',
] as const
export type RestartReason = (typeof RESTART_REASONS)[number]

export class ApiError extends Error {
  readonly reason: RestartReason
  /** How long the server asked to wait; 0 if it did not. */
  readonly retryAfterMs: number

  constructor(reason: RestartReason, message: string, retryAfterMs = 0) {
    super(message)
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}

const BY_STATUS: Readonly<Record<number, RestartReason>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'missing',
  410: 'expired',
  429: 'throttled',
}
/** Longer than any sensible request; a wrong header must not stop the watch for a day. */
const MAX_RETRY_MS = 120_000

/** The error of an HTTP status, with the server's message. */
export function statusError(status: number, message: string, retryAfter?: string): ApiError {
  const reason = BY_STATUS[status] ?? (status >= 500 ? 'server_error' : 'refused')
  const seconds = Number(retryAfter ?? 0)
  const waitMs = Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1000, MAX_RETRY_MS) : 0
  return new ApiError(reason, `${status}: ${message}`, waitMs)
}

/** Converts a thrown error to an ApiError. Rethrows anything but network and JSON errors: it is a bug. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  const { code, message } = error as NodeJS.ErrnoException
  if (error instanceof SyntaxError) return new ApiError('malformed', message)
  if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'Z_BUF_ERROR') {
    return new ApiError('cut', message)
  }
  if (code !== undefined) return new ApiError('unreachable', message)
  throw error
}
