/**
 * server.ts - the flow API of a running Weir: Hubble's Observer and Peer, and Weir's own service, over gRPC.
 *
 * In:    an Observer; addresses of api/address.ts. Plain text: who can reach the address can read.
 * Out:   streams that end with the request, with the client, or with close().
 * Fail:  listen() throws what is wrong with an address. A bad request is answered INVALID_ARGUMENT, one stream too many
 *        RESOURCE_EXHAUSTED. What throws in a stream besides is a bug, and ends the process.
 */
import { networkInterfaces } from 'node:os'
import type { Server, ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js'
import { type ApiAddress, connectTarget, listenTarget, parseApiAddress } from './address.js'
import type { Cursor, Step } from './cursor.js'
import type { Message } from './message.js'
import type { EventsRequest, FlowsRequest, Observer } from './observer.js'
import { type Api, loadApi } from './proto.js'
import { pump } from './pump.js'
import { prepareSocketPath, setSocketMode } from './socket-file.js'

/** Each takes turns of 2 ms on the thread that also drains the ring. */
const MAX_STREAMS = 32
const CLOSE_DEADLINE_MS = 1000
const PEER_ADDED = 1

type Stream = ServerWritableStream<Message, Message>

interface Query<T> {
  readonly cursor: Cursor<T>
  message(step: Exclude<Step<T>, string>): Message
}

export class FlowServer {
  /** Streams that are open. */
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
      // Weir has no agent whose events there could be, and makes no debug events.
      GetAgentEvents: (call: Stream) => this.#emptyStream(call),
      GetDebugEvents: (call: Stream) => this.#emptyStream(call),
      GetNodes: this.#unary(() => observer.nodes(this.#advertisedAddress())),
      GetNamespaces: this.#unary(() => observer.namespaces(this.#closing.signal)),
      ServerStatus: this.#unary(() => observer.status()),
    })
    this.#server.addService(api.peer, { Notify: (call: Stream) => this.#notify(call) })
    this.#server.addService(api.weir, {
      GetRecords: this.#streaming(request => observer.getRecords(request as EventsRequest)),
      GetStatus: this.#unary(() => observer.rows()),
    })
  }

  /** Listen there as well; the address, with the port that was found for port 0. */
  async listen(text: string): Promise<string> {
    const address = parseApiAddress(text)
    if (address.kind === 'tcp' && address.tls) throw new Error(`address '${text}': Weir serves no TLS`)
    if (address.kind === 'unix') await prepareSocketPath(address.path)
    const port = await this.#bind(address, text)
    if (address.kind === 'unix') setSocketMode(address.path)
    const bound = address.kind === 'unix' ? address : { ...address, port }
    this.#addresses.push(bound)
    return address.kind === 'unix' ? `unix://${address.path}` : connectTarget(bound)
  }

  /** End all streams and calls, then the sockets. Twice is fine. */
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
      if (this.streams >= MAX_STREAMS) return refuse(call, status.RESOURCE_EXHAUSTED, `${MAX_STREAMS} streams are open`)
      let query: Query<T>
      try {
        query = open(call.request)
      } catch (error) {
        return refuse(call, status.INVALID_ARGUMENT, (error as Error).message)
      }
      this.streams++
      // Not caught: what rejects here is a bug, and a bug ends the process.
      void this.#run(call, query).finally(() => this.streams--)
    }
  }

  /** While it stops, what the answer would be made of may be gone. */
  #unary(answer: () => Message | Promise<Message>) {
    return (_: ServerUnaryCall<Message, Message>, done: sendUnaryData<Message>) => {
      if (this.#closing.signal.aborted) done({ code: this.#api.grpc.status.UNAVAILABLE, details: 'Weir is stopping' })
      else void Promise.resolve(answer()).then(message => done(null, message))
    }
  }

  async #run<T>(call: Stream, { cursor, message }: Query<T>): Promise<void> {
    await pump(this.#observer.ring, cursor, call, message, this.#signalOf(call))
    call.end()
  }

  /** Open as long as a follower's would be. */
  #emptyStream(call: Stream): void {
    if (!(call.request as EventsRequest).follow) call.end()
    else this.#signalOf(call).addEventListener('abort', () => call.end())
  }

  /** A Relay asks its peers for all of them; Weir knows of itself. */
  #notify(call: Stream): void {
    call.write({ name: this.#nodeName, address: this.#advertisedAddress(), type: PEER_ADDED })
    this.#signalOf(call).addEventListener('abort', () => call.end())
  }

  /** Aborted when the client or this server goes. */
  #signalOf(call: Stream): AbortSignal {
    const clientGone = new AbortController()
    call.once('cancelled', () => clientGone.abort())
    return AbortSignal.any([clientGone.signal, this.#closing.signal])
  }

  /** Where others reach this node: its first TCP address; a socket's path when there is none. */
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
