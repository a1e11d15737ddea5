/**
 * scrape.ts - answers a scrape: what does it want, may it have it, and in time?
 *
 * In:    GET and HEAD of the telemetry path: Accept, Accept-Encoding, ?collect[] or ?exclude[],
 *        X-Prometheus-Scrape-Timeout-Seconds.
 * Out:   a page in one of two texts, gzipped for who takes it.
 * Fail:  400 for a group that is none; 503 for one scrape too many, and when the client's time is up before the page
 *        is made: its answer would find nobody, and holds the place of another.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Selection, SelectionError, selectionOf } from '../catalog/selection.js'
import { CONTENT_TYPES } from '../exposition/format.js'
import { negotiate, takesGzip } from '../exposition/negotiate.js'
import type { PageOptions, Pages } from './metrics-page.js'

export interface ScrapeOptions extends PageOptions {
  /** Scrapes being answered at a time: each may hold a page, 17 MB for 100,000 series. 0: no limit. Default: 40. */
  readonly maxRequests?: number
}

type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** node_exporter's default, too. */
const MAX_REQUESTS = 40
const PLAIN = 'text/plain; charset=utf-8'

/** What answers the requests for metrics. */
export function scrapes(pages: Pages, maxRequests = MAX_REQUESTS): Answer {
  let open = 0
  return async (request, response) => {
    if (maxRequests > 0 && open >= maxRequests) {
      return refuse(response, 503, `${maxRequests} scrapes are being answered already.`)
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
  const gzip = takesGzip(headerOf(request, 'accept-encoding'))
  const seconds = Number(headerOf(request, 'x-prometheus-scrape-timeout-seconds'))
  const page = pages.get({ format, selection })
  const parts = await within(
    seconds,
    page.then(made => (gzip ? made.packed() : made.plain)),
  )
  if (parts === undefined)
    return refuse(response, 503, `The page was not ready within the ${seconds} s of this scrape.`)
  response.setHeader('Vary', 'Accept, Accept-Encoding')
  if (gzip) response.setHeader('Content-Encoding', 'gzip')
  send(response, 200, CONTENT_TYPES[format], parts)
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join() : value
}

/** Undefined when it took longer. A time that is none, or past what a timer can wait, is no limit. */
async function within<T>(seconds: number, work: Promise<T>): Promise<T | undefined> {
  if (!(seconds > 0 && seconds < 2_147_483)) return work
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>(resolve => {
    timer = setTimeout(resolve, seconds * 1000, undefined)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

function refuse(response: ServerResponse, status: number, why: string): void {
  send(response, status, PLAIN, [Buffer.from(`${why}\n`)])
}

/** node:http leaves the body out for HEAD. Who has gone is told nothing. */
function send(response: ServerResponse, status: number, type: string, parts: readonly Buffer[]): void {
  if (response.destroyed) return
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': length })
  for (const part of parts) response.write(part)
  response.end()
}
