// SPDX-License-Identifier: Apache-2.0
/**
 * server.ts - the flow API of a running Weir over gRPC: Hubble's Observer and Peer services, and Weir's own.
 *
 * In:    an Observer; addresses as address.ts parses them. Plain text: anyone who can reach the address can read.
 * Out:   streams that end with the request, with the client, or with close().
 * Fail:  listen() throws an Error that names the address. A bad request is answered INVALID_ARGUMENT, a stream over the
 *        limit RESOURCE_EXHAUSTED. Any other exception in a stream is a bug and ends the process.
 */
import { networkInterfaces } from 'node:os'
import type { Server, ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js'
import { type ApiAddress, connectTarget, listenTarget, parseApiAddress } from './address.js'
import type { Message } from './message.js'
import type { EventsRequest, FlowsRequest, Observer, Query } from './observer.js'
import { type Api, loadApi } from './proto.js'
import { pump } from './pump.js'
import { prepareSocketPath, setSocketMode } from './socket-file.js'

/** Each takes slices of 2 ms on the thread that also drains the kernel's ring. */
const MAX_STREAMS = 32
const CLOSE_DEADLINE_MS = 1000
const PEER_ADDED = 1

type Stream = ServerWritableStream<Message, Message>

export class FlowServer {
  /** Open streams. */
  streams = 0
  readonly #api: Api
  readonly #observer: Observer
  readonly #nodeName: string
  readonly #server: Server
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
    this.#server = new api.grpc.Server()
    this.#server.addService(api.observer, {
      GetFlows: this.#streaming(request => observer.getFlows(request as FlowsRequest, api.fields)),
      // Weir has no agent events, and emits no debug events.
      GetAgentEvents: (call: Stream) => this.#emptyStream(call),
      GetDebugEvents: (call: Stream) => this.#emptyStream(call),
      GetNodes: this.#unary(() => observer.nodes(this.#advertisedAddress())),
      GetNamespaces: this.#unary(() => observer.namespaces(this.#closing.signal)),
      ServerStatus: this.#unary(() => observer.status()),
    })
    this.#server.addService(api.peer, { Notify: (call: Stream) => this.#notify(call) })
    this.#server.addService(api.weir, {
      GetRecords: this.#streaming(request => observer.getRecords(request as EventsRequest)),
      GetStatus: this.#unary(() => observer.extraStatus()),
    })
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

  /** Ends all streams and calls, then closes the sockets. Can be called twice. */
  async close(): Promise<void> {
    this.#closing.abort()
    const deadline = setTimeout(() => this.#server.forceShutdown(), CLOSE_DEADLINE_MS)
    await new Promise<void>(resolve => this.#server.tryShutdown(() => resolve()))
    clearTimeout(deadline)
  }

  #bind(address: ApiAddress, text: string): Promise<number> {
    const credentials = this.#api.grpc.ServerCredentials.createInsecure()
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(listenTarget(address), credentials, (error, port) => {
        if (error === null) resolve(port)
        else reject(new Error(`address '${text}': ${error.message}`))
      })
    })
  }

  #streaming<T>(open: (request: Message) => Query<T>): (call: Stream) => void {
    return call => {
      const { status } = this.#api.grpc
      if (this.streams >= MAX_STREAMS)
        return refuse(call, status.RESOURCE_EXHAUSTED, `the limit of ${MAX_STREAMS} streams is reached`)
      let query: Query<T>
      try {
        query = open(call.request)
      } catch (error) {
        return refuse(call, status.INVALID_ARGUMENT, (error as Error).message)
      }
      this.streams++
      // Not caught: a rejection is a bug here, and a bug ends the process.
      void this.#run(call, query).finally(() => this.streams--)
    }
  }

  /** A call with one answer. Refused while the server stops, since the parts behind the answer may have closed. */
  #unary(answer: () => Message | Promise<Message>) {
    return (_: ServerUnaryCall<Message, Message>, done: sendUnaryData<Message>) => {
      if (this.#closing.signal.aborted) done({ code: this.#api.grpc.status.UNAVAILABLE, details: 'Weir is stopping' })
      else void Promise.resolve(answer()).then(message => done(null, message))
    }
  }

  async #run<T>(call: Stream, query: Query<T>): Promise<void> {
    await pump(this.#observer.ring, query, call, this.#signalOf(call))
    call.end()
  }

  /** A stream without messages: ends at once, or with the client when it follows. */
  #emptyStream(call: Stream): void {
    if (!(call.request as EventsRequest).follow) call.end()
    else this.#signalOf(call).addEventListener('abort', () => call.end())
  }

  /** A Relay asks each peer for all peers; Weir reports itself. */
  #notify(call: Stream): void {
    call.write({ name: this.#nodeName, address: this.#advertisedAddress(), type: PEER_ADDED })
    this.#signalOf(call).addEventListener('abort', () => call.end())
  }

  /** Aborts when the client disconnects or this server closes. */
  #signalOf(call: Stream): AbortSignal {
    const clientGone = new AbortController()
    call.once('cancelled', () => clientGone.abort())
    return AbortSignal.any([clientGone.signal, this.#closing.signal])
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

function isWildcard(host: string): boolean {
  return host === '' || host === '::' || host === '0.0.0.0'
}

function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap(each => each ?? [])
  return addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? 'localhost'
}
