// SPDX-License-Identifier: Apache-2.0
/**
 * server.ts - the HTTP server: metrics, health, readiness and a landing page.
 *
 * In:    GET and HEAD; POST and PUT to reload.
 * Out:   one handler per path; scrape.ts has the telemetry path's.
 * Fail:  listen() rejects with what is wrong with the address. An error thrown by a handler is a bug and ends the process.
 */

import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { type AddressInfo, Server as NetServer } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import { parseListenAddress, urlOf } from '../../lib/listen-address.js'
import { plainText } from '../../lib/plain-text.js'
import { createListener, type Listener, type ListenerOptions } from '../../web/listener.js'
import { type LandingOptions, landingHeaders, landingOf } from './landing.js'
import { answerReload, RELOAD_PATH, type ReloadNow } from './lifecycle.js'
import { Pages } from './metrics-page.js'
import { type ScrapeOptions, scrapes } from './scrape.js'

export interface ServerOptions extends ScrapeOptions, LandingOptions {
  /** Reloads the configuration. Without it the lifecycle API is disabled. */
  readonly reload?: ReloadNow
  /** The web config file, and the callback for refused requests. */
  readonly web?: ListenerOptions
}

export interface WeirServer {
  /** Also listens on `:PORT`, `HOST:PORT` or `[IPV6]:PORT`; resolves to the URL. */
  listen(address: string): Promise<string>
  /** Stops accepting, finishes open requests, and closes what is left after `deadlineMs`. Safe to call twice. */
  close(deadlineMs?: number): Promise<void>
}

/** Shutdown has 2 s in all. 17 MB reach a scraper on the same network in a fraction of this. */
const CLOSE_DEADLINE_MS = 1500

/** Fast reloads of the landing page share a collect(). */
const LANDING_AGE_MS = 1000

const METHODS = 'GET, HEAD'
const HTML = 'text/html; charset=utf-8'
const PLAIN = 'text/plain; charset=utf-8'

type Answer = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>

/** Creates a server that does not listen yet. Throws if the telemetry path is invalid or taken. */
export function createServer(options: ServerOptions): WeirServer {
  const routes = routesOf(options)
  const listeners: Listener[] = []
  const answer = (request: IncomingMessage, response: ServerResponse) => dispatch(routes, options, request, response)
  return {
    listen(address) {
      const listener = createListener(options.web ?? {}, answer)
      listeners.push(listener)
      return listen(listener.server, address)
    },
    async close(deadlineMs = CLOSE_DEADLINE_MS) {
      await Promise.all(listeners.map(listener => close(listener, deadlineMs)))
    },
  }
}

function routesOf(options: ServerOptions): ReadonlyMap<string, Answer> {
  const { telemetryPath, ready } = options
  const pages = new Pages(options)
  const routes = new Map<string, Answer>([
    ['/', (_, response) => sendLanding(options, pages, response)],
    ['/-/healthy', (_, response) => send(response, 200, PLAIN, 'Healthy.\n')],
    ['/-/ready', (_, response) => sendReady(response, ready())],
  ])
  if (!/^\/[^?#\s]*$/.test(telemetryPath) || routes.has(telemetryPath)) {
    const taken = [...routes.keys()].join(', ')
    throw new Error(`telemetry path '${telemetryPath}': expected a path such as /metrics, but not ${taken}`)
  }
  return routes.set(telemetryPath, scrapes(pages, options))
}

function dispatch(
  routes: ReadonlyMap<string, Answer>,
  { reload }: ServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): void | Promise<void> {
  const path = (request.url ?? '').replace(/\?.*$/s, '')
  if (path === RELOAD_PATH) return answerReload(request.method, response, reload)
  const answer = routes.get(path)
  if (answer === undefined) return send(response, 404, PLAIN, 'Not found.\n')
  if (request.method === 'GET' || request.method === 'HEAD') return answer(request, response)
  response.setHeader('Allow', METHODS)
  return send(response, 405, PLAIN, `Method not allowed; use ${METHODS}.\n`)
}

function sendLanding(options: ServerOptions, pages: Pages, response: ServerResponse): void {
  pages.upToDate(LANDING_AGE_MS)
  for (const [name, value] of Object.entries(landingHeaders)) response.setHeader(name, value)
  send(response, 200, HTML, landingOf(options))
}

function sendReady(response: ServerResponse, notReady: string | undefined): void {
  if (notReady === undefined) send(response, 200, PLAIN, 'Ready.\n')
  else send(response, 503, PLAIN, `Not ready: ${plainText(notReady)}\n`)
}

/** node:http omits the body for HEAD. */
function send(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}

async function listen(server: Server, text: string): Promise<string> {
  const address = parseListenAddress(text)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? 'the port is in use' : error.message
      reject(
        Object.assign(new Error(`listen address '${text}': ${reason}`), { code: error.code, syscall: error.syscall }),
      )
    })
    server.listen(address, resolve)
  })
  server.removeAllListeners('error')
  return urlOf(address, (server.address() as AddressInfo).port, server instanceof TlsServer)
}

async function close({ server, connections, authFilter }: Listener, deadlineMs: number): Promise<void> {
  if (!server.listening) return authFilter.close()
  // Not closeAllConnections(): http does not know connections in a TLS handshake.
  const deadline = setTimeout(() => connections.destroyAll(), deadlineMs)
  // net's close, not http's: http treats a response as finished once written, and cuts it off under a slow reader.
  const closed = new Promise<void>(resolve => NetServer.prototype.close.call(server, () => resolve()))
  connections.closeIdle()
  await closed
  clearTimeout(deadline)
  authFilter.close()
}
