// SPDX-License-Identifier: Apache-2.0
/**
 * scrape.ts - answers a scrape: negotiates format, encoding and groups, and limits concurrency and time.
 *
 * In:    GET and HEAD of the telemetry path: Accept, Accept-Encoding, ?collect[] or ?exclude[],
 *        X-Prometheus-Scrape-Timeout-Seconds.
 * Out:   a page in one of the two formats, gzipped if the client accepts it.
 * Fail:  400 for an unknown group; 503 above the limits on concurrency and memory, and when the scrape timeout passes before
 *        the page is ready: the client is gone by then, and the slot is free for another scrape.
 * Never: queues more of a page in a connection than it can send, so slow readers share one page.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { within } from '../../lib/deadline.js'
import { type Selection, SelectionError, selectionOf } from '../catalog/selection.js'
import { CONTENT_TYPES, type Format } from '../exposition/format.js'
import { acceptsGzip, negotiate } from '../exposition/negotiate.js'
import type { Page, PageOptions, Pages } from './metrics-page.js'
import { PageMemory } from './page-memory.js'

export interface ScrapeOptions extends PageOptions {
  /** Concurrent scrapes. 0: no limit. Default: 40. */
  readonly maxRequests?: number
  /** Bytes of all pages that are being made or sent. */
  readonly maxPageBytes?: number
  /** Called for each scrape refused by a limit. */
  readonly onScrapeRefused?: (reason: 'scrapes' | 'memory', peer: string | undefined) => void
}

type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** Same as node_exporter. */
const MAX_REQUESTS = 40
/** A scraper that comes later finds the pages of now sent. */
const RETRY_AFTER_SECONDS = 5
const PLAIN = 'text/plain; charset=utf-8'

/** A handler for the telemetry path. */
export function scrapes(pages: Pages, options: ScrapeOptions): Answer {
  const { maxRequests = MAX_REQUESTS, onScrapeRefused = () => {} } = options
  const memory = new PageMemory(options.maxPageBytes)
  let open = 0
  return async (request, response) => {
    const full = (reason: 'scrapes' | 'memory', message: string) => {
      onScrapeRefused(reason, request.socket.remoteAddress)
      response.setHeader('Retry-After', RETRY_AFTER_SECONDS)
      return refuse(response, 503, message)
    }
    if (maxRequests > 0 && open >= maxRequests)
      return full('scrapes', `Limit of ${maxRequests} concurrent scrapes reached.`)
    const selection = chosen(request, response)
    if (selection === REFUSED) return
    const format = negotiate(request.headers.accept)
    if (!memory.hasRoom && !pages.isShared({ format, selection }))
      return full('memory', 'Pages that are being sent to other scrapers take too much memory.')
    open++
    response.on('close', () => open--)
    const page = pages.get({ format, selection })
    await answer(page, format, memory, request, response)
  }
}

const REFUSED = Symbol('refused')

function chosen({ url = '' }: IncomingMessage, response: ServerResponse): Selection | typeof REFUSED {
  try {
    return selectionOf(url.replace(/^[^?]*/s, ''))
  } catch (error) {
    if (!(error instanceof SelectionError)) throw error
    refuse(response, 400, `${error.message}.`)
    return REFUSED
  }
}

async function answer(
  page: Promise<Page>,
  format: Format,
  memory: PageMemory,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gzip = acceptsGzip(headerOf(request, 'accept-encoding'))
  const seconds = Number(headerOf(request, 'x-prometheus-scrape-timeout-seconds'))
  const work = page.then(made => (gzip ? made.gzipped() : made.plain))
  memory.make(page, work)
  // An invalid timeout is no limit.
  const parts = seconds > 0 ? await within(seconds * 1000, work, undefined) : await work
  if (parts === undefined)
    return refuse(response, 503, `The page was not ready within the scrape timeout of ${seconds} s.`)
  response.setHeader('Vary', 'Accept, Accept-Encoding')
  if (gzip) response.setHeader('Content-Encoding', 'gzip')
  const release = memory.hold(parts)
  try {
    await send(response, 200, CONTENT_TYPES[format], parts)
  } finally {
    release()
  }
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join() : value
}

function refuse(response: ServerResponse, status: number, message: string): Promise<void> {
  return send(response, status, PLAIN, [Buffer.from(`${message}\n`)])
}

/**
 * Resolves when the connection has taken all parts, or is closed. node:http omits the body for HEAD. Does nothing if the client
 * has disconnected.
 */
async function send(response: ServerResponse, status: number, type: string, parts: readonly Buffer[]): Promise<void> {
  if (response.destroyed) return
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': length })
  for (const part of parts) {
    if (!response.write(part)) await eventOf(response, 'drain')
    if (response.destroyed) return
  }
  response.end()
  await eventOf(response, 'close')
}

/** Resolves at the event, or when the connection is closed. */
function eventOf(response: ServerResponse, event: 'drain' | 'close'): Promise<void> {
  return new Promise(resolve => {
    if (response.closed || response.destroyed) return resolve()
    const done = () => {
      response.off(event, done).off('close', done)
      resolve()
    }
    response.on(event, done).on('close', done)
  })
}
