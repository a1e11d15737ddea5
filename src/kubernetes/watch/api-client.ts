// SPDX-License-Identifier: Apache-2.0
/**
 * api-client.ts - GET requests to the API server over persistent connections.
 *
 * In:    a path with its query.
 * Out:   the decompressed bytes of the response as they arrive; or a small response as JSON.
 * Fail:  an ApiError with the reason: a status, a network error, no byte for too long. After a 401 the credentials are read again.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { redacted } from '../../lib/redact.js'
import type { Access, AccessSource, TlsOptions } from './access.js'
import { ApiError, asApiError, statusError } from './api-error.js'

export interface ApiRequest {
  readonly path: string
  readonly accept: string
  /** Lists compress well; events of a watch must not wait in a compression buffer. */
  readonly gzip: boolean
  /** Aborts the request when no byte arrives for this long. */
  readonly idleTimeoutMs: number
  /** Pauses reading for this long after each read, so that single events are read in groups. */
  readonly pauseMs?: number
  readonly signal: AbortSignal
}

/** A list and a watch for each of seven resources, and two to spare. */
const MAX_SOCKETS = 16
const TCP_KEEP_ALIVE_MS = 30_000
/** Limit of an error response. */
const MAX_MESSAGE_BYTES = 64 << 10

export class ApiClient {
  readonly #access: AccessSource
  readonly #userAgent: string
  #agent: Agent | HttpAgent | undefined
  #agentKey = ''
  /** Of the last request. They hold credentials. */
  #headers: Access['headers'] = {}

  constructor(access: AccessSource, userAgent: string) {
    this.#access = access
    this.#userAgent = userAgent
  }

  /** Hands each chunk of the response to `sink` until it is complete. Calls `onStart` once its status is 200. */
  async read(request: ApiRequest, sink: (chunk: Buffer) => void, onStart?: () => void): Promise<void> {
    let idle = false
    try {
      const response = await this.#send(request, () => {
        idle = true
      })
      if (response.statusCode !== 200) throw await errorOf(response, this.#headers)
      onStart?.()
      await drain(decompressed(response), sink, request.pauseMs)
      if (!response.complete) throw new ApiError('cut', 'the response is incomplete')
    } catch (error) {
      // A socket that timed out fails with ECONNRESET: report the timeout.
      const found = idle ? new ApiError('silent', `no byte in ${request.idleTimeoutMs} ms`) : asApiError(error)
      if (found.reason === 'unauthorized') this.#access.renew()
      throw found
    }
  }

  /** The response as JSON. */
  async json(request: ApiRequest): Promise<unknown> {
    const chunks: Buffer[] = []
    await this.read(request, chunk => chunks.push(chunk))
    return JSON.parse(Buffer.concat(chunks).toString())
  }

  close(): void {
    this.#agent?.destroy()
  }

  async #send({ path, accept, gzip, idleTimeoutMs, signal }: ApiRequest, onIdle: () => void): Promise<IncomingMessage> {
    const access = await this.#access.current()
    this.#headers = access.headers
    const plain = access.server.protocol === 'http:'
    const options = {
      agent: this.#agentOf(access, plain),
      signal,
      headers: {
        ...access.headers,
        accept,
        'user-agent': this.#userAgent,
        'accept-encoding': gzip ? 'gzip' : 'identity',
      },
    }
    const base = access.server.href.replace(/\/$/, '')
    return new Promise((resolve, reject) => {
      const outgoing = (plain ? httpRequest : request)(`${base}${path}`, options, resolve)
      // The socket's timer runs from connect to the last byte.
      outgoing.setTimeout(idleTimeoutMs, () => {
        onIdle()
        outgoing.destroy()
      })
      outgoing.on('error', reject)
      outgoing.end()
    })
  }

  /** A new agent when the certificates change; requests on the old one finish. */
  #agentOf({ tls }: Access, plain: boolean): Agent | HttpAgent {
    const key = keyOf(tls)
    if (this.#agent === undefined || key !== this.#agentKey) {
      const settings = {
        keepAlive: true,
        keepAliveMsecs: TCP_KEEP_ALIVE_MS,
        maxSockets: MAX_SOCKETS,
        // During a read pause, data stays in the kernel: one buffered byte stops reading.
        highWaterMark: 1,
      }
      this.#agent = plain ? new HttpAgent(settings) : new Agent({ ...settings, ...tls })
      this.#agentKey = key
    }
    return this.#agent
  }
}

function keyOf({ ca, cert, key, servername, rejectUnauthorized }: TlsOptions): string {
  return JSON.stringify([ca, cert, key, servername, rejectUnauthorized].map(value => String(value)))
}

function decompressed(response: IncomingMessage): Readable {
  if (response.headers['content-encoding'] !== 'gzip') return response
  const gunzip = createGunzip()
  response.once('error', error => gunzip.destroy(error))
  gunzip.once('error', error => response.destroy(error))
  return response.pipe(gunzip)
}

/** Reads by events: an iterator costs a promise per chunk, and a watch has hundreds a second. */
async function drain(stream: Readable, sink: (chunk: Buffer) => void, pauseMs = 0): Promise<void> {
  const pauses = pauseMs > 0 ? new ReadPauses(stream, pauseMs) : undefined
  stream.on('data', (chunk: Buffer) => {
    try {
      sink(chunk)
    } catch (error) {
      stream.destroy(error as Error)
    }
    pauses?.schedule()
  })
  try {
    await finished(stream)
  } finally {
    pauses?.stop()
  }
}

/** Pauses a stream after it has been read empty. */
class ReadPauses {
  readonly #stream: Readable
  readonly #ms: number
  #scheduled = false
  #stopped = false
  #timer: NodeJS.Timeout | undefined

  constructor(stream: Readable, ms: number) {
    this.#stream = stream
    this.#ms = ms
  }

  /** Call for each chunk. */
  schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.#pause())
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #pause(): void {
    if (this.#stopped) return
    this.#stream.pause()
    this.#timer = setTimeout(() => {
      this.#scheduled = false
      this.#stream.resume()
    }, this.#ms)
  }
}

/** An error with the status, and the message of the Status object in the body if there is one. */
async function errorOf(response: IncomingMessage, headers: Access['headers']): Promise<ApiError> {
  let text = ''
  for await (const chunk of decompressed(response)) {
    text += chunk
    if (text.length > MAX_MESSAGE_BYTES) response.destroy()
  }
  let message = text
  try {
    const status: unknown = JSON.parse(text)
    if (typeof status === 'object' && status !== null && 'message' in status) message = String(status.message)
  } catch {
    // Not a Status object: the text of a proxy.
  }
  return statusError(
    response.statusCode ?? 0,
    redacted(message.trim(), headers).slice(0, 300),
    response.headers['retry-after'],
  )
}
