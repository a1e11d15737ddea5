/**
 * listener.ts - the HTTP or HTTPS server behind the web config file, and its limits against clients that do harm.
 *
 * In:    the file, if any; who answers the requests that come in.
 * Out:   a server that does not listen yet.
 * Fail:  what a client did wrong is answered 400, 408, 413 or 431, told to `refused`, and its connection ends.
 * Never: keeps more than MOST_CONNECTIONS connections; a scrape still gets in, whatever hangs around.
 */
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { SecureContextOptions, TLSSocket } from 'node:tls'
import { Gate, type Refusal } from './auth-filter.js'
import { asksForCertificate, certificateFault } from './client-certificate.js'
import { Connections } from './connections.js'
import type { WebFile } from './web-file.js'

export interface ListenerOptions {
  readonly file?: WebFile | undefined
  /** Told each request or connection that was not served, by whom. */
  readonly refused?: (why: Refusal, peer: string | undefined, fault?: string) => void
}

export interface Listener {
  readonly server: Server | HttpsServer
  readonly connections: Connections
  readonly gate: Gate
}

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown

/** Longer than the usual scrape intervals, so that a connection serves many scrapes. */
const KEEP_ALIVE_MS = 75_000
/** A client that neither sends nor takes a byte for so long has gone. */
const IDLE_MS = 30_000
/** For a request's headers, and for a TLS handshake: a client on the same network needs milliseconds. */
const REQUEST_MS = 10_000
/** For one answer to leave: Prometheus gives up after 10 s by default, and few let it wait for a minute. */
const ANSWER_MS = 60_000
/** How often connections are looked at for those deadlines. */
const CHECK_MS = 1000
const MAX_HEADER_BYTES = 16_384
/** A Prometheus or two, probes and browsers need ten. Each is a few kilobytes here and a descriptor. */
const MAX_CONNECTIONS = 512

const LIMITS = {
  keepAliveTimeout: KEEP_ALIVE_MS,
  headersTimeout: REQUEST_MS,
  requestTimeout: REQUEST_MS,
  connectionsCheckingInterval: CHECK_MS,
  maxHeaderSize: MAX_HEADER_BYTES,
}

const FAULTS: Readonly<Record<string, readonly [status: string, why: Refusal]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'malformed'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['413 Payload Too Large', 'body'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'timeout'],
}
const MALFORMED: readonly [string, Refusal] = ['400 Bad Request', 'malformed']

export function createListener({ file, refused = () => {} }: ListenerOptions, answer: Answer): Listener {
  const gate = new Gate(file, refused)
  const onRequest = async (request: IncomingMessage, response: ServerResponse) => {
    if (!server.listening) response.setHeader('Connection', 'close')
    connections.answering(request.socket, response, ANSWER_MS)
    if (await gate.admit(request, response)) await answer(request, response)
  }
  const secure = file?.current().secure
  // A promise that rejects is not caught: it is a bug, and a bug ends the process.
  const server =
    file === undefined || secure === undefined
      ? createHttpServer(LIMITS, onRequest)
      : secureServer(file, secure, refused, onRequest)
  const connections = new Connections(server, MAX_CONNECTIONS, peer => refused('evicted', peer))
  server.timeout = IDLE_MS
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return socket.destroy()
    const [status, why] = FAULTS[error.code ?? ''] ?? MALFORMED
    refused(why, socket.remoteAddress, error.code)
    // An answer under way must not get this into its middle.
    if (connections.isAnswering(socket)) return socket.destroy()
    return socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  })
  return { server, connections, gate }
}

function secureServer(
  file: WebFile,
  first: SecureContextOptions,
  refused: NonNullable<ListenerOptions['refused']>,
  onRequest: Answer,
): HttpsServer {
  let inForce = first
  const asks = () => asksForCertificate(file.current().config.tls!)
  const options = { ...LIMITS, ...first, requestCert: asks(), rejectUnauthorized: false, handshakeTimeout: REQUEST_MS }
  const server = createHttpsServer(options, onRequest)
  // Before the handshake of each connection.
  server.prependListener('connection', () => {
    const { secure } = file.current()
    if (secure === undefined || secure === inForce) return
    inForce = secure
    server.setSecureContext(secure)
    // node:tls reads this property for each connection, but has no call to change it.
    Object.assign(server, { requestCert: asks() })
  })
  // Before node:http reads from it.
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    const fault = certificateFault(file.current().config.tls!, socket)
    if (fault === undefined) return
    refused('certificate', socket.remoteAddress, fault)
    socket.destroy()
  })
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    // It ended on this side, evicted, and is counted as that; or it went by itself.
    if (socket.remoteAddress === undefined) return
    refused('handshake', socket.remoteAddress, error.code ?? error.message)
  })
  return server
}
