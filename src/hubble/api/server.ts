// SPDX-License-Identifier: Apache-2.0
/**
 * server.ts - the flow API of a running Weir over gRPC: Hubble's Observer and Peer services, and Weir's own.
 *
 * In:    an Observer; addresses as address.ts parses them. Plain text: anyone who can reach the address can read.
 * Out:   streams that end with the request, with the client, or with close().
 * Fail:  listen() throws an Error that names the address. A bad request is answered INVALID_ARGUMENT, a stream over the
 *        limit or with filters that take too long RESOURCE_EXHAUSTED, raw records over TCP PERMISSION_DENIED. Any other
 *        exception in a stream is a bug and ends the process.
 * Never: sends raw records, which contain packets, to clients other than those of the unix socket.
 */

import type { Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Server, ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js'
import { type ApiAddress, connectTarget, parseApiAddress } from './address.js'
import { ApiConnections } from './connections.js'
import type { Message } from './message.js'
import type { EventsRequest, FlowsRequest, Observer, Query } from './observer.js'
import { type Api, loadApi } from './proto.js'
import { pump, SlowQuery } from './pump.js'
import { prepareSocketPath, setSocketMode } from './socket-file.js'
import { StreamLimit } from './stream-limit.js'

/** Each takes slices of 2 ms on the thread that also drains the kernel's ring. */
const MAX_QUERIES = 32
/** Of one client address; a Relay's users share one. */
const MAX_QUERIES_PER_PEER = 24
/** Streams without work. A Relay keeps one. */
const MAX_IDLE = 64
const MAX_IDLE_PER_PEER = 16
/**
 * Time for clients to get the end of their streams, a second. In turns: after a pause of the process, an overdue timer would
 * fire before the sockets are written.
 */
const CLOSE_TURNS = 20
const CLOSE_TURN_MS = 50
const PEER_ADDED = 1

const SERVER_OPTIONS = {
  'grpc.max_concurrent_streams': 128,
  // Longer than any request with as many filters as are allowed.
  'grpc.max_receive_message_length': 256 * 1024,
  'grpc.max_connection_idle_ms': 600_000,
}

type Call = ServerUnaryCall<Message, Message> | Stream
type Stream = ServerWritableStream<Message, Message>
type Access = 'local' | 'remote'

export class FlowServer {
  /** Streams refused by a limit. */
  streamsRefused = 0
  /** Streams ended because their filters took too long. */
  slowQueries = 0
  readonly #api: Api
  readonly #observer: Observer
  readonly #nodeName: string
  readonly #connections = new ApiConnections()
  /** One for the unix sockets and one for TCP: they serve different methods. */
  readonly #servers: Readonly<Record<Access, Server>>
  readonly #accept: Readonly<Record<Access, (socket: Socket) => void>>
  readonly #queries = new StreamLimit(MAX_QUERIES, MAX_QUERIES_PER_PEER)
  readonly #idle = new StreamLimit(MAX_IDLE, MAX_IDLE_PER_PEER)
  readonly #closing = new AbortController()
  readonly #addresses: ApiAddress[] = []

  /** A server that does not listen yet. */
  static async create(observer: Observer, nodeName: string): Promise<FlowServer> {
    return new FlowServer(await loadApi(), observer, nodeName)
  }

  private constructor(api: Api, observer: Observer, nodeName: string) {
    this.#api = api
    this.#observer = observer
    this.#nodeName = nodeName
    this.#servers = { local: this.#createServer('local'), remote: this.#createServer('remote') }
    const insecure = api.grpc.ServerCredentials.createInsecure()
    const injectorOf = (server: Server) => {
      const injector = server.createConnectionInjector(insecure)
      return (socket: Socket) => injector.injectConnection(socket)
    }
    this.#accept = { local: injectorOf(this.#servers.local), remote: injectorOf(this.#servers.remote) }
  }

  /** Open streams. */
  get streams(): number {
    return this.#queries.open + this.#idle.open
  }

  /** Connections refused by a limit. */
  get connectionsRefused(): number {
    return this.#connections.refused
  }

  /** Listens on one more address. Returns it with the port that was chosen for port 0. */
  async listen(text: string): Promise<string> {
    const address = parseApiAddress(text)
    if (address.kind === 'tcp' && address.tls) throw new Error(`address '${text}': TLS is not supported for listening`)
    if (address.kind === 'unix') await prepareSocketPath(address.path)
    const port = await this.#bind(address, text)
    if (address.kind === 'unix') setSocketMode(address.path)
    const bound = address.kind === 'unix' ? address : { ...address, port }
    this.#addresses.push(bound)
    return address.kind === 'unix' ? `unix://${address.path}` : connectTarget(bound)
  }

  /** Ends all streams and calls, then closes the sockets, after a second at the latest. Can be called twice. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#connections.close()
    for (const server of Object.values(this.#servers)) server.tryShutdown(() => {})
    // Not until its callback: that comes before the last messages are sent where Node closes the sessions first (24).
    for (let turn = 0; turn < CLOSE_TURNS && this.#connections.open > 0; turn++) await sleep(CLOSE_TURN_MS)
    this.#connections.destroy()
  }

  async #bind(address: ApiAddress, text: string): Promise<number> {
    try {
      return await this.#connections.listen(address, this.#accept[address.kind === 'unix' ? 'local' : 'remote'])
    } catch (error) {
      throw new Error(`address '${text}': ${(error as Error).message}`)
    }
  }

  #createServer(access: Access): Server {
    const { grpc, observer: service, peer, weir, fields } = this.#api
    const observer = this.#observer
    const server = new grpc.Server(SERVER_OPTIONS)
    server.addService(service, {
      GetFlows: this.#streaming(request => observer.getFlows(request as FlowsRequest, fields)),
      // Weir has no agent events, and emits no debug events.
      GetAgentEvents: (call: Stream) => this.#emptyStream(call),
      GetDebugEvents: (call: Stream) => this.#emptyStream(call),
      GetNodes: this.#unary(() => observer.nodes(this.#advertisedAddress())),
      GetNamespaces: this.#limitedUnary(signal => observer.namespaces(signal)),
      ServerStatus: this.#unary(() => observer.status()),
    })
    server.addService(peer, { Notify: (call: Stream) => this.#notify(call) })
    const records = this.#streaming(request => observer.getRecords(request as EventsRequest))
    server.addService(weir, {
      GetRecords: access === 'local' ? records : (call: Stream) => this.#refuseRecords(call),
      GetStatus: this.#unary(() => observer.extraStatus()),
    })
    return server
  }

  #streaming<T>(open: (request: Message) => Query<T>): (call: Stream) => void {
    return call => {
      let query: Query<T>
      try {
        query = open(call.request)
      } catch (error) {
        return refuse(call, this.#api.grpc.status.INVALID_ARGUMENT, (error as Error).message)
      }
      // Not caught: a rejection is a bug here, and a bug ends the process.
      this.#enter(this.#queries, call, signal => void this.#run(call, query, signal))
    }
  }

  /** Starts a stream if the limit allows it. It counts until its client disconnects, or this server ends it. */
  #enter(limit: StreamLimit, call: Stream, start: (signal: AbortSignal) => void): void {
    const peer = peerOf(call)
    const full = limit.enter(peer)
    if (full !== undefined) {
      this.streamsRefused++
      refuse(call, this.#api.grpc.status.RESOURCE_EXHAUSTED, full)
      return
    }
    const { signal, release } = this.#signalOf(call)
    onceEnded(call, () => {
      release()
      limit.leave(peer)
    })
    start(signal)
  }

  /** A call with one answer. Refused while the server stops, since the parts behind the answer may have closed. */
  #unary(answer: (signal: AbortSignal) => Message | Promise<Message>) {
    return (call: ServerUnaryCall<Message, Message>, done: sendUnaryData<Message>) => {
      if (this.#closing.signal.aborted) {
        done({ code: this.#api.grpc.status.UNAVAILABLE, details: 'Weir is stopping' })
        return
      }
      const { signal, release } = this.#signalOf(call)
      void Promise.resolve(answer(signal)).then(message => {
        release()
        done(null, message)
      })
    }
  }

  /** A call with one answer that takes as much work as a stream. */
  #limitedUnary(answer: (signal: AbortSignal) => Promise<Message>) {
    const unary = this.#unary(answer)
    return (call: ServerUnaryCall<Message, Message>, done: sendUnaryData<Message>) => {
      const peer = peerOf(call)
      const full = this.#queries.enter(peer)
      if (full !== undefined) {
        this.streamsRefused++
        done({ code: this.#api.grpc.status.RESOURCE_EXHAUSTED, details: full })
        return
      }
      unary(call, (...result) => {
        this.#queries.leave(peer)
        done(...result)
      })
    }
  }

  async #run<T>(call: Stream, query: Query<T>, signal: AbortSignal): Promise<void> {
    try {
      await pump(this.#observer.ring, query, call, signal)
      call.end()
    } catch (error) {
      if (!(error instanceof SlowQuery)) throw error
      this.slowQueries++
      refuse(call, this.#api.grpc.status.RESOURCE_EXHAUSTED, error.message)
    }
  }

  #refuseRecords(call: Stream): void {
    const details = 'raw records contain packets and are served on the unix socket only'
    refuse(call, this.#api.grpc.status.PERMISSION_DENIED, details)
  }

  /** A stream without messages: ends at once, or with the client when it follows. */
  #emptyStream(call: Stream): void {
    if (!(call.request as EventsRequest).follow) call.end()
    else this.#enter(this.#idle, call, signal => endWith(call, signal))
  }

  /** A Relay asks each peer for all peers; Weir reports itself. */
  #notify(call: Stream): void {
    this.#enter(this.#idle, call, signal => {
      call.write({ name: this.#nodeName, address: this.#advertisedAddress(), type: PEER_ADDED })
      endWith(call, signal)
    })
  }

  /** The signal aborts when the client disconnects or this server closes. `release`: call it when the call has ended. */
  #signalOf(call: Call): { signal: AbortSignal; release: () => void } {
    const ended = new AbortController()
    const stop = () => ended.abort()
    const closing = this.#closing.signal
    if (closing.aborted) stop()
    // Not AbortSignal.any(): its signals would stay with #closing until this server closes.
    closing.addEventListener('abort', stop)
    call.once('cancelled', stop)
    return { signal: ended.signal, release: () => closing.removeEventListener('abort', stop) }
  }

  /** Where others reach this node: its first TCP address, or a socket's path when there is none. */
  #advertisedAddress(): string {
    const tcp = this.#addresses.find(address => address.kind === 'tcp')
    const address = tcp ?? this.#addresses[0]
    if (address === undefined) return ''
    if (address.kind === 'unix') return `unix://${address.path}`
    return connectTarget(isWildcard(address.host) ? { ...address, host: ownAddress() } : address)
  }
}

function refuse(call: Stream, code: number, details: string): void {
  call.emit('error', Object.assign(new Error(details), { code, details }))
}

/** Ends a stream when the signal aborts. */
function endWith(call: Stream, signal: AbortSignal): void {
  if (signal.aborted) call.end()
  else signal.addEventListener('abort', () => call.end())
}

/** Calls back once, when the call was cancelled or its last message was sent. */
function onceEnded(call: Call, ended: () => void): void {
  let called = false
  const once = () => {
    if (!called) ended()
    called = true
  }
  for (const event of ['cancelled', 'finish', 'error']) call.once(event, once)
}

/** The client's address without its port; '' for a client of the unix socket. */
function peerOf(call: Call): string {
  const peer = call.getPeer()
  return peer === 'unknown' ? '' : peer.replace(/:\d+$/, '')
}

function isWildcard(host: string): boolean {
  return host === '' || host === '::' || host === '0.0.0.0'
}

function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap(each => each ?? [])
  return addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? 'localhost'
}
