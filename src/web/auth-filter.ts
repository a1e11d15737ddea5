/**
 * gate.ts - decides which requests come in: the web config file's rules in the toolkit's order, and no bodies.
 *
 * In:    a request; the file's state of this moment.
 * Out:   true, with the configured headers set on the answer; or false, and the answer is sent.
 * Never: reads a body: nothing here takes one.
 */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import { BasicAuth } from './basic-auth.js'
import { RateLimit } from './rate-limit.js'
import type { WebConfig } from './web-config.js'
import type { WebFile } from './web-file.js'

/** Why a request or a connection was not served. */
export const REFUSALS = [
  'body',
  'config',
  'rate_limit',
  'unauthorized',
  'busy',
  'certificate',
  'handshake',
  'malformed',
  'timeout',
  /** Of more connections than are kept, the one that was idle for longest. */
  'evicted',
] as const
export type Refusal = (typeof REFUSALS)[number]

export class Gate {
  readonly #file: WebFile | undefined
  readonly #auth: BasicAuth
  readonly #refused: (why: Refusal, peer: string | undefined) => void
  #rateLimit: { of: WebConfig['rateLimit']; bucket: RateLimit } | undefined

  /** Without a file everybody comes in. */
  constructor(
    file: WebFile | undefined,
    refused: (why: Refusal, peer: string | undefined) => void,
    auth: BasicAuth = new BasicAuth(),
  ) {
    this.#file = file
    this.#refused = refused
    this.#auth = auth
  }

  async admit(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const state = this.#file?.current()
    if (state?.broken !== undefined) return this.#refuse(request, response, 500, 'config')
    if (state !== undefined && !this.#bucketOf(state.config)) return this.#refuse(request, response, 429, 'rate_limit')
    for (const [name, value] of Object.entries(state?.config.headers ?? {})) response.setHeader(name, value)
    if (state !== undefined && state.config.users.size > 0) {
      const entry = await this.#auth.enter(request.headers.authorization, state.config.users)
      if (entry === 'busy') return this.#refuse(request, response, 503, 'busy')
      if (entry === 'out') {
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

  /** Whether a request fits the rate limit in force; another limit in the file begins with a full bucket. */
  #bucketOf({ rateLimit }: WebConfig): boolean {
    if (rateLimit === undefined) {
      this.#rateLimit = undefined
      return true
    }
    const { of } = this.#rateLimit ?? {}
    if (of?.intervalMs !== rateLimit.intervalMs || of.burst !== rateLimit.burst) {
      this.#rateLimit = { of: rateLimit, bucket: new RateLimit(rateLimit) }
    }
    return this.#rateLimit!.bucket.allow()
  }

  #refuse(request: IncomingMessage, response: ServerResponse, status: number, why: Refusal): false {
    this.#refused(why, request.socket.remoteAddress)
    // What it sends after this would be read as another request, or thrown away byte by byte.
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
