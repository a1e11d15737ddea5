// SPDX-License-Identifier: Apache-2.0
/**
 * refusal.ts - an error of the fake API server, as the Status object that clients read.
 */

export class Refusal extends Error {
  readonly status: number
  readonly reason: string

  constructor(status: number, message: string, reason = REASONS[status] ?? 'InternalError') {
    super(message)
    this.status = status
    this.reason = reason
  }

  /** The body of the response, or the object of an ERROR event. */
  get object(): object {
    const { status: code, message, reason } = this
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code }
  }
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  410: 'Expired',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
}
