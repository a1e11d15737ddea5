/**
 * server.ts - the HTTP server: metrics, health, readiness and a landing page.
 *
 * In:    GET and HEAD. A scrape calls collect(), which brings the store up to date, then renders it.
 * Out:   text 0.0.4, gzipped for who takes it; the compression runs on the thread pool.
 * Fail:  listen() says what was wrong with the address. An OS error in collect() (it has .syscall) puts
 *        weir_stage_up{stage="collect"} to 0 and the page still goes out; any other error is a bug and ends the process.
 * Never: keeps a page. Scrapes that wait at the same time get the same one, made after both arrived.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { type AddressInfo, Server as NetServer } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'
import type { Connections } from '../web/connections.js'
import { createListener, type ListenerOptions } from '../web/listener.js'
import { tellBudgets } from './budget.js'
import { M } from './catalog.js'
import { parseListenAddress, urlOf } from './listen-address.js'
import { landingPage } from './page.js'
import type { SeriesStore } from './series.js'
import { CONTENT_TYPE, render } from './text.js'

export interface ServerOptions {
  /** Where the metrics are; begins with a slash. */
  readonly telemetryPath: string
  /** Bring the store up to date: pump, sweep, sync. Before every page, and synchronous: a page shows one instant. */
  readonly collect: () => void
  /** Told the OS error that collect() ended with, to be logged. */
  readonly onCollectFault?: (error: Error) => void
  readonly store: SeriesStore
  /** Stores of other families, for the same page. */
  readonly otherStores?: () => readonly SeriesStore[]
  /** More exposition text, to stand behind the store's. */
  readonly processText?: () => Promise<string>
  /** Why not ready, or undefined. */
  readonly ready: () => string | undefined
  /** Rows of the landing page. */
  readonly status: () => readonly (readonly [string, string])[]
  /** The web config file, and who is told what was refused. */
  readonly web?: ListenerOptions
}

export interface WeirServer {
  /** Listen on `:PORT`, `HOST:PORT` or `[IPV6]:PORT`; the URL to reach it. */
  listen(address: string): Promise<string>
  /** Stop accepting, finish what is being answered, close; after `deadlineMs` close whatever remains. Twice is fine. */
  close(deadlineMs?: number): Promise<void>
}

/** SIGTERM is given 2 s in all; 17 MB reach a scraper on the same network in a fraction of this. */
const CLOSE_DEADLINE_MS = 1500
/** Pages being sent at a time: each holds its text, up to 17 MB for 100,000 series. node_exporter's default, too. */
const MAX_SCRAPES = 40

const METHODS = 'GET, HEAD'
const HTML = 'text/html; charset=utf-8'
const PLAIN = 'text/plain; charset=utf-8'

const compress = promisify(gzip)

type Answer = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>

/** A server that does not listen yet. */
export function createServer(options: ServerOptions): WeirServer {
  const routes = routesOf(options)
  const { server, connections, gate } = createListener(options.web ?? {}, (request, response) =>
    dispatch(routes, request, response),
  )
  return {
    listen: address => listen(server, address),
    close: async (deadlineMs = CLOSE_DEADLINE_MS) => {
      await close(server, connections, deadlineMs)
      gate.close()
    },
  }
}

function routesOf(options: ServerOptions): ReadonlyMap<string, Answer> {
  const { telemetryPath, ready, status } = options
  const routes = new Map<string, Answer>([
    ['/', (_, response) => send(response, 200, HTML, landingPage(telemetryPath, ready(), status()))],
    ['/-/healthy', (_, response) => send(response, 200, PLAIN, 'Healthy.\n')],
    ['/-/ready', (_, response) => sendReady(response, ready())],
  ])
  if (!/^\/[^?#\s]*$/.test(telemetryPath) || routes.has(telemetryPath)) {
    const taken = [...routes.keys()].join(', ')
    throw new Error(`telemetry path '${telemetryPath}': expected a path such as /metrics, other than ${taken}`)
  }
  return routes.set(telemetryPath, scrapes(options))
}

function dispatch(
  routes: ReadonlyMap<string, Answer>,
  request: IncomingMessage,
  response: ServerResponse,
): void | Promise<void> {
  const answer = routes.get((request.url ?? '').replace(/\?.*$/s, ''))
  if (answer === undefined) return send(response, 404, PLAIN, 'Not found.\n')
  if (request.method === 'GET' || request.method === 'HEAD') return answer(request, response)
  response.setHeader('Allow', METHODS)
  return send(response, 405, PLAIN, `Method not allowed; use ${METHODS}.\n`)
}

function sendReady(response: ServerResponse, notReady: string | undefined): void {
  if (notReady === undefined) send(response, 200, PLAIN, 'Ready.\n')
  else send(response, 503, PLAIN, `Not ready: ${notReady}\n`)
}

function scrapes(options: ServerOptions): Answer {
  let making: Promise<Buffer> | undefined
  let open = 0
  return async (request, response) => {
    if (open >= MAX_SCRAPES) return send(response, 503, PLAIN, `${MAX_SCRAPES} scrapes are being answered already.\n`)
    open++
    response.on('close', () => open--)
    making ??= makePage(options).finally(() => {
      making = undefined
    })
    const page = await making
    response.setHeader('Vary', 'Accept-Encoding')
    if (!takesGzip(request)) return send(response, 200, CONTENT_TYPE, page)
    const packed = await compress(page, { level: constants.Z_BEST_SPEED })
    response.setHeader('Content-Encoding', 'gzip')
    send(response, 200, CONTENT_TYPE, packed)
  }
}

/** What takes time comes first, so that the numbers are of the moment when the page is sent. */
async function makePage(options: ServerOptions): Promise<Buffer> {
  const { collect, onCollectFault, store, otherStores, processText } = options
  const more = processText === undefined ? '' : await processText()
  const up = store.family(M.stageUp).series(['collect'])
  try {
    collect()
    store.set(up, 1)
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    store.set(up, 0)
    onCollectFault?.(error)
  }
  const others = otherStores?.() ?? []
  tellBudgets(store, others)
  const begun = performance.now()
  const page = render(store, ...others)
  // Told by the next page: this one is written.
  store.add(store.family(M.stageSeconds).series(['render']), (performance.now() - begun) / 1000)
  return more === '' ? page : Buffer.concat([page, Buffer.from(more)])
}

function takesGzip(request: IncomingMessage): boolean {
  const offered = String(request.headers['accept-encoding'] ?? '').split(',')
  return offered.some(coding => /^\s*gzip\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/i.test(coding))
}

/** node:http leaves the body out for HEAD. */
function send(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}

async function listen(server: Server, text: string): Promise<string> {
  const address = parseListenAddress(text)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'the port is in use' : error.message
      reject(Object.assign(new Error(`listen address '${text}': ${why}`), { code: error.code, syscall: error.syscall }))
    })
    server.listen(address, resolve)
  })
  server.removeAllListeners('error')
  return urlOf(address, (server.address() as AddressInfo).port, server instanceof TlsServer)
}

async function close(server: Server, connections: Connections, deadlineMs: number): Promise<void> {
  if (!server.listening) return
  const deadline = setTimeout(() => server.closeAllConnections(), deadlineMs)
  // net's, not http's: that one takes an answer for finished when it is written, and cuts it off under a slow reader.
  const closed = new Promise<void>(resolve => NetServer.prototype.close.call(server, () => resolve()))
  connections.closeIdle()
  await closed
  clearTimeout(deadline)
}
