// SPDX-License-Identifier: Apache-2.0
/**
 * scrape.ts - answers a scrape: negotiates format, encoding and groups, and limits concurrency and time.
 *
 * In:    GET and HEAD of the telemetry path: Accept, Accept-Encoding, ?collect[] or ?exclude[],
 *        X-Prometheus-Scrape-Timeout-Seconds.
 * Out:   a page in one of the two formats, gzipped if the client accepts it.
 * Fail:  400 for an unknown group; 503 above the concurrency limit, and when the scrape timeout passes before the page is
 *        ready: the client is gone by then, and the slot is free for another scrape.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { within } from '../../lib/deadline.js'
import { type Selection, SelectionError, selectionOf } from '../catalog/selection.js'
import { CONTENT_TYPES } from '../exposition/format.js'
import { acceptsGzip, negotiate } from '../exposition/negotiate.js'
import type { PageOptions, Pages } from './metrics-page.js'

export interface ScrapeOptions extends PageOptions {
  /** Concurrent scrapes. Each can hold a page, 17 MB for 100,000 series. 0: no limit. Default: 40. */
  readonly maxRequests?: number
}

type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** Same as node_exporter. */
const MAX_REQUESTS = 40
const PLAIN = 'text/plain; charset=utf-8'

/** A handler for the telemetry path. */
export function scrapes(pages: Pages, maxRequests = MAX_REQUESTS): Answer {
  let open = 0
  return async (request, response) => {
    if (maxRequests > 0 && open >= maxRequests) {
      return refuse(response, 503, `Limit of ${maxRequests} concurrent scrapes reached.`)
    }
    const selection = chosen(request, response)
    if (selection === REFUSED) return
    open++
    response.on('close', () => open--)
    await answer(pages, selection, request, response)
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
  pages: Pages,
  selection: Selection,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { headers } = request
  const format = negotiate(headers.accept)
  const gzip = acceptsGzip(headerOf(request, 'accept-encoding'))
  const seconds = Number(headerOf(request, 'x-prometheus-scrape-timeout-seconds'))
  const page = pages.get({ format, selection })
  const work = page.then(made => (gzip ? made.gzipped() : made.plain))
  // An invalid timeout is no limit.
  const parts = seconds > 0 ? await within(seconds * 1000, work, undefined) : await work
  if (parts === undefined)
    return refuse(response, 503, `The page was not ready within the scrape timeout of ${seconds} s.`)
  response.setHeader('Vary', 'Accept, Accept-Encoding')
  if (gzip) response.setHeader('Content-Encoding', 'gzip')
  send(response, 200, CONTENT_TYPES[format], parts)
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join() : value
}

function refuse(response: ServerResponse, status: number, message: string): void {
  send(response, status, PLAIN, [Buffer.from(`${message}\n`)])
}

/** node:http omits the body for HEAD. Does nothing if the client has disconnected. */
function send(response: ServerResponse, status: number, type: string, parts: readonly Buffer[]): void {
  if (response.destroyed) return
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': length })
  for (const part of parts) response.write(part)
  response.end()
}
