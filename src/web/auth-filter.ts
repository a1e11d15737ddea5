// SPDX-License-Identifier: Apache-2.0
/**
 * auth-filter.ts - applies the rules of the web config file to each request, in the exporter-toolkit's order; refuses bodies.
 *
 * In:    a request; the current web config.
 * Out:   true, with the configured headers set on the response; or false, and the response is sent.
 * Never: reads a request body: no endpoint takes one.
 */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import { BasicAuth } from './basic-auth.js'
import { RateLimit } from './rate-limit.js'
import type { WebConfig } from './web-config.js'
import type { WebFile } from './web-file.js'

/** Why a request or a connection was not served. */
export const REFUSAL_REASONS = [
  'body',
  'config',
  'rate_limit',
  'unauthorized',
  'busy',
  /** Scrapes over the limit on their number, or on the memory of their pages. */
  'scrapes',
  'memory',
  'certificate',
  'handshake',
  'malformed',
  'timeout',
  /** Closed to make room: the connection limit was reached and this one was idle for longest. */
  'evicted',
] as const
export type RefusalReason = (typeof REFUSAL_REASONS)[number]

export class AuthFilter {
  readonly #file: WebFile | undefined
  readonly #auth: BasicAuth
  readonly #onRefused: (reason: RefusalReason, peer: string | undefined) => void
  #rateLimit: { limit: WebConfig['rateLimit']; bucket: RateLimit } | undefined

  /** Without a file every request is admitted. */
  constructor(
    file: WebFile | undefined,
    onRefused: (reason: RefusalReason, peer: string | undefined) => void,
    auth: BasicAuth = new BasicAuth(),
  ) {
    this.#file = file
    this.#onRefused = onRefused
    this.#auth = auth
  }

  async admit(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const state = this.#file?.current()
    if (state?.problem !== undefined) return this.#refuse(request, response, 500, 'config')
    if (state !== undefined && !this.#isWithinRate(state.config))
      return this.#refuse(request, response, 429, 'rate_limit')
    for (const [name, value] of Object.entries(state?.config.headers ?? {})) response.setHeader(name, value)
    if (state !== undefined && state.config.users.size > 0) {
      const auth = await this.#auth.authenticate(request.headers.authorization, state.config.users)
      if (auth === 'busy') return this.#refuse(request, response, 503, 'busy')
      if (auth === 'rejected') {
        response.setHeader('WWW-Authenticate', 'Basic')
        return this.#refuse(request, response, 401, 'unauthorized')
      }
    }
    if (hasBody(request)) return this.#refuse(request, response, 413, 'body')
    return true
  }

  close(): void {
    this.#auth.close()
  }

  /** Whether the rate limit allows a request. A changed limit starts with a full bucket. */
  #isWithinRate({ rateLimit }: WebConfig): boolean {
    if (rateLimit === undefined) {
      this.#rateLimit = undefined
      return true
    }
    const { limit } = this.#rateLimit ?? {}
    if (limit?.intervalMs !== rateLimit.intervalMs || limit.burst !== rateLimit.burst) {
      this.#rateLimit = { limit: rateLimit, bucket: new RateLimit(rateLimit) }
    }
    return this.#rateLimit!.bucket.allow()
  }

  #refuse(request: IncomingMessage, response: ServerResponse, status: number, reason: RefusalReason): false {
    this.#onRefused(reason, request.socket.remoteAddress)
    // Otherwise node:http would read and discard the whole body, or take it for another request.
    if (hasBody(request)) response.setHeader('Connection', 'close')
    const body = `${STATUS_CODES[status]}\n`
    response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': body.length })
    response.end(body)
    return false
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}
