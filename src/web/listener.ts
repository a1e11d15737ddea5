// SPDX-License-Identifier: Apache-2.0
/**
 * listener.ts - the HTTP or HTTPS server that the web config file describes, with limits against abusive clients.
 *
 * In:    the file, if any; a handler for admitted requests.
 * Out:   a server that does not listen yet.
 * Fail:  a bad request gets 400, 408, 413 or 431, is reported to `refused`, and its connection is closed.
 * Never: keeps more than MAX_CONNECTIONS connections, nor lets idle ones keep a scrape out.
 */
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { SecureContextOptions, TLSSocket } from 'node:tls'
import { AuthFilter, type RefusalReason } from './auth-filter.js'
import { certificateProblem, requestsCertificate } from './client-certificate.js'
import { Connections } from './connections.js'
import type { WebFile } from './web-file.js'

export interface ListenerOptions {
  readonly file?: WebFile | undefined
  /** Called for each request or connection that is not served, with the peer's address. */
  readonly onRefused?: (reason: RefusalReason, peer: string | undefined, problem?: string) => void
}

export interface Listener {
  readonly server: Server | HttpsServer
  readonly connections: Connections
  readonly authFilter: AuthFilter
}

type RequestHandler = (request: IncomingMessage, response: ServerResponse) => unknown

/** Longer than the usual scrape intervals, so that a connection serves many scrapes. */
const KEEP_ALIVE_MS = 75_000
/** A client that neither sends nor receives a byte for this long is gone. */
const IDLE_MS = 30_000
/** Deadline of a request's headers and of a TLS handshake: a client on the same network needs milliseconds. */
const REQUEST_MS = 10_000
/** Deadline for sending a response: Prometheus gives up after 10 s by default, and few raise that to a minute. */
const RESPONSE_MS = 60_000
/** Time for the client of a bad request to read the answer. */
const LINGER_MS = 500
/** How often node:http checks these deadlines. */
const CHECK_MS = 1000
const MAX_HEADER_BYTES = 16_384
/** A Prometheus or two, probes and browsers need ten. Each connection costs a few kilobytes and a descriptor. */
const MAX_CONNECTIONS = 512

const LIMITS = {
  keepAliveTimeout: KEEP_ALIVE_MS,
  headersTimeout: REQUEST_MS,
  requestTimeout: REQUEST_MS,
  connectionsCheckingInterval: CHECK_MS,
  maxHeaderSize: MAX_HEADER_BYTES,
}

const ERROR_RESPONSES: Readonly<Record<string, readonly [status: string, reason: RefusalReason]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'malformed'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['413 Payload Too Large', 'body'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'timeout'],
}
const MALFORMED: readonly [string, RefusalReason] = ['400 Bad Request', 'malformed']

export function createListener({ file, onRefused = () => {} }: ListenerOptions, handle: RequestHandler): Listener {
  const authFilter = new AuthFilter(file, onRefused)
  const onRequest = async (request: IncomingMessage, response: ServerResponse) => {
    if (!server.listening) response.setHeader('Connection', 'close')
    connections.startResponse(request.socket, response, RESPONSE_MS)
    if (await authFilter.admit(request, response)) await handle(request, response)
  }
  const secure = file?.current().secure
  // A rejected promise is not caught here: it is a bug, and a bug ends the process.
  const server =
    file === undefined || secure === undefined
      ? createHttpServer(LIMITS, onRequest)
      : secureServer(file, secure, onRefused, onRequest)
  const connections = new Connections(server, MAX_CONNECTIONS, peer => onRefused('evicted', peer))
  server.timeout = IDLE_MS
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return socket.destroy()
    const [status, reason] = ERROR_RESPONSES[error.code ?? ''] ?? MALFORMED
    onRefused(reason, socket.remoteAddress, error.code)
    // An error response must not end up inside a response in progress.
    if (connections.isResponding(socket)) return socket.destroy()
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
    // The client may keep its side open, or not read. Closed at once, it could lose the answer.
    socket.resume()
    setTimeout(() => socket.destroy(), LINGER_MS).unref()
  })
  return { server, connections, authFilter }
}

function secureServer(
  file: WebFile,
  first: SecureContextOptions,
  onRefused: NonNullable<ListenerOptions['onRefused']>,
  onRequest: RequestHandler,
): HttpsServer {
  let current = first
  const requestCert = () => requestsCertificate(file.current().config.tls!)
  const options = {
    ...LIMITS,
    ...first,
    requestCert: requestCert(),
    rejectUnauthorized: false,
    handshakeTimeout: REQUEST_MS,
  }
  const server = createHttpsServer(options, onRequest)
  // Runs before the handshake of each connection.
  server.prependListener('connection', () => {
    const { secure } = file.current()
    if (secure === undefined || secure === current) return
    current = secure
    server.setSecureContext(secure)
    // node:tls reads this property for each connection but has no method to change it.
    Object.assign(server, { requestCert: requestCert() })
  })
  // Runs before node:http reads from the socket.
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    const problem = certificateProblem(file.current().config.tls!, socket)
    if (problem === undefined) return
    onRefused('certificate', socket.remoteAddress, problem)
    socket.destroy()
  })
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    // Already closed: evicted, and counted as such, or closed by the client.
    if (socket.remoteAddress === undefined) return
    onRefused('handshake', socket.remoteAddress, error.code ?? error.message)
  })
  return server
}
