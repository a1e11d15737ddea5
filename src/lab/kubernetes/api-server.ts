// SPDX-License-Identifier: Apache-2.0
/**
 * api-server.ts - a fake Kubernetes API server: lists and watches over TLS, for tests and for `weir demo --kubernetes`.
 *
 * In:    objects put into its store; GET requests with a bearer token; faults on demand.
 * Out:   the responses of a real server, byte for byte where a client could notice.
 * Fail:  start() rejects without a certificate or a port.
 * Never: listens beyond 127.0.0.1, or serves a request without its token.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { type ListQuery, Lists } from './api-list.js'
import { Watch } from './api-watch.js'
import { type Certificate, selfSigned } from './certificate.js'
import { type Fault, Faults } from './faults.js'
import { ObjectStore } from './object-store.js'
import { Refusal } from './refusal.js'

export interface ApiServerOptions {
  /** Events kept for watches that start at an earlier version. */
  readonly window?: number
  readonly bookmarkMs?: number
}

/** A request that was served or refused. For tests. */
export interface SeenRequest {
  readonly path: string
  readonly query: URLSearchParams
  readonly accept: string
  readonly status: number
}

const BOOKMARK_MS = 60_000
const MAX_REQUESTS_KEPT = 1_000
const GZIP_BYTES = 128 << 10
const KINDS = [
  '/api/v1/pods',
  '/api/v1/nodes',
  '/api/v1/services',
  '/api/v1/namespaces',
  '/apis/discovery.k8s.io/v1/endpointslices',
]

export class ApiServer {
  readonly store: ObjectStore
  readonly lists: Lists
  readonly faults = new Faults()
  readonly requests: SeenRequest[] = []
  /** The only token accepted. */
  token = 'lab-token'
  /** Bytes per chunk of a watch; 0: one line per chunk. */
  splitBytes = 0
  /** The response to a watch from an expired version: an ERROR event or a status. */
  goneAs: 'event' | 'status' = 'event'
  readonly #bookmarkMs: number
  readonly #watches = new Map<Watch, string>()
  #server: Server | undefined
  #port = 0
  #certificate: Certificate | undefined

  constructor({ window, bookmarkMs = BOOKMARK_MS }: ApiServerOptions = {}) {
    this.store = new ObjectStore(window)
    this.lists = new Lists(this.store)
    this.#bookmarkMs = bookmarkMs
    for (const kind of KINDS) this.store.define(kind)
  }

  /** Listens on 127.0.0.1; keeps port and certificate after stop(). */
  async start(): Promise<void> {
    const port = this.#port
    this.#certificate ??= await selfSigned()
    const server = createServer(this.#certificate, (request, response) => this.#answer(request, response))
    this.#server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
    this.#port = (server.address() as AddressInfo).port
  }
  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }

  get url(): string {
    return `https://127.0.0.1:${this.#port}`
  }
  get port(): number {
    return this.#port
  }
  /** The authority that signed its certificate, PEM. */
  get authority(): string {
    return this.#certificate?.cert ?? ''
  }

  /** A kubeconfig for this server. `user`: credentials other than the token. */
  kubeconfig(user: object = { token: this.token }): string {
    const authority = Buffer.from(this.authority).toString('base64')
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'lab',
      clusters: [{ name: 'lab', cluster: { server: this.url, 'certificate-authority-data': authority } }],
      users: [{ name: 'weir', user }],
      contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'weir' } }],
    })
  }

  /** The open watches of a path. */
  watches(path: string): Watch[] {
    return [...this.#watches].filter(([, watched]) => watched === path).map(([watch]) => watch)
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname: path, searchParams: query } = new URL(request.url ?? '/', this.url)
    const watching = query.get('watch') === '1' || query.get('watch') === 'true'
    const fault = this.faults.next(path, watching ? 'watch' : 'list')
    if (fault?.kind === 'hang') return
    if (fault?.kind === 'reset') {
      request.socket.destroy()
      return
    }
    const accept = request.headers.accept ?? ''
    try {
      this.#authorize(request, fault)
      const target = { path, query, metadataOnly: accept.includes('as=PartialObjectMetadata') }
      if (watching) this.#watch(target, response, fault)
      else this.#list(target, request, response, fault)
      this.#keep({ path, query, accept, status: 200 })
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      this.#keep({ path, query, accept, status: error.status })
      refuse(response, error, fault)
    }
  }

  #authorize(request: IncomingMessage, fault: Fault | undefined): void {
    if (fault?.kind === 'status') throw new Refusal(fault.status, fault.message ?? `planned ${fault.status}`)
    if (request.headers.authorization !== `Bearer ${this.token}`) throw new Refusal(401, 'Unauthorized')
    if (request.method !== 'GET') throw new Refusal(403, `${request.method} is not for Weir`)
  }

  #list(target: ListQuery, request: IncomingMessage, response: ServerResponse, fault: Fault | undefined): void {
    const list = this.store.has(target.path) ? this.lists.answer(target) : this.#group(target.path)
    const body = Buffer.from(`${JSON.stringify(list)}\n`)
    if (fault?.kind === 'cut') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
      response.write(body.subarray(0, fault.afterBytes), () => response.destroy())
      return
    }
    const gzipped = body.length > GZIP_BYTES && /\bgzip\b/.test(`${request.headers['accept-encoding']}`)
    response.writeHead(200, {
      'content-type': 'application/json',
      ...(gzipped && { 'content-encoding': 'gzip' }),
    })
    const bytes = gzipped ? gzipSync(body, { level: 1 }) : body
    if (fault?.kind === 'slow') void trickle(response, bytes, fault)
    else response.end(bytes)
  }

  #watch(target: ListQuery, response: ServerResponse, fault: Fault | undefined): void {
    if (!this.store.has(target.path)) throw new Refusal(404, 'the server could not find the requested resource')
    const version = Number(target.query.get('resourceVersion') || 0)
    if (version > this.store.version) {
      throw new Refusal(
        504,
        `Timeout: Too large resource version: ${version}, current: ${this.store.version}`,
        'Timeout',
      )
    }
    if (this.goneAs === 'status' && version > 0 && this.store.since(target.path, version) === undefined) {
      throw new Refusal(410, `too old resource version: ${version} (${this.store.version})`)
    }
    const { splitBytes } = this
    const watch = new Watch(this.store, response, { ...target, fault, splitBytes, bookmarkMs: this.#bookmarkMs })
    this.#watches.set(watch, target.path)
    response.once('close', () => this.#watches.delete(watch))
    watch.start()
  }

  /** The resources of an API group, as discovery lists them. */
  #group(path: string): object {
    const paths = this.store.paths().filter(known => known.startsWith(`${path}/`))
    if (paths.length === 0) throw new Refusal(404, 'the server could not find the requested resource')
    const resources = paths.map(known => ({ name: known.slice(path.length + 1), verbs: ['get', 'list', 'watch'] }))
    return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: path.replace(/^\/apis?\//, ''), resources }
  }

  #keep(request: SeenRequest): void {
    this.requests.push(request)
    if (this.requests.length > MAX_REQUESTS_KEPT) this.requests.shift()
  }
}

/** Sends slowly until done or until the client disconnects. */
async function trickle(
  response: ServerResponse,
  body: Buffer,
  { bytes, everyMs }: Fault & { kind: 'slow' },
): Promise<void> {
  for (let at = 0; at < body.length && !response.destroyed; at += bytes) {
    response.write(body.subarray(at, at + bytes))
    await sleep(everyMs)
  }
  response.end()
}

function refuse(response: ServerResponse, refusal: Refusal, fault: Fault | undefined): void {
  const seconds = fault?.kind === 'status' ? fault.retryAfterSeconds : undefined
  response.writeHead(refusal.status, {
    'content-type': 'application/json',
    ...(seconds !== undefined && { 'retry-after': String(seconds) }),
  })
  response.end(JSON.stringify(refusal.object))
}
