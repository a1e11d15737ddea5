// SPDX-License-Identifier: Apache-2.0
/**
 * negotiate.ts - content negotiation: exposition format and gzip.
 *
 * In:    the values of Accept and Accept-Encoding.
 * Out:   text 0.0.4 unless the client asks for OpenMetrics 1.0.0: every scraper accepts it.
 * Never: answers 406. A client with no matching range gets text 0.0.4, as from every other exporter.
 *
 * https://www.rfc-editor.org/rfc/rfc9110#section-12.5
 */
import type { Format } from './format.js'

interface Range {
  /** `application/openmetrics-text`, `text/*` or any. */
  readonly type: string
  readonly version: string | undefined
  readonly quality: number
}

interface Offer {
  readonly format: Format
  readonly type: string
  readonly version: string
}

/** In order of preference, where the client has none. */
const OFFERS: readonly Offer[] = [
  { format: 'text', type: 'text/plain', version: '0.0.4' },
  { format: 'openmetrics', type: 'application/openmetrics-text', version: '1.0.0' },
]

/** The format the client prefers; of two with the same quality, the one listed first. */
export function negotiate(accept: string | undefined): Format {
  const ranges = (accept ?? '').split(',').map(parseRange)
  let best: { readonly format: Format; readonly quality: number; readonly place: number } | undefined
  for (const offer of OFFERS) {
    const place = bestRange(ranges, offer)
    const quality = ranges[place]?.quality ?? 0
    if (quality === 0) continue
    const { format } = offer
    if (best === undefined || quality > best.quality || (quality === best.quality && place < best.place)) {
      best = { format, quality, place }
    }
  }
  return best?.format ?? 'text'
}

/** Whether the client accepts gzip; q=0 means it does not. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  const codings = (acceptEncoding ?? '').split(',').map(parseRange)
  const named = codings.find(({ type }) => type === 'gzip') ?? codings.find(({ type }) => type === '*')
  return named !== undefined && named.quality > 0
}

function parseRange(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map(part => part.trim().toLowerCase())
  let version: string | undefined
  let quality = 1
  for (const parameter of parameters) {
    const [name, value = ''] = parameter.split('=').map(part => part.trim().replace(/^"(.*)"$/, '$1'))
    if (name === 'version') version = value
    if (name === 'q') quality = /^(0(\.\d*)?|1(\.0*)?)$/.test(value) ? Number(value) : 0
  }
  return { type, version, quality }
}

/** Place of the most specific range that matches an offer, the first of several; -1 if none matches. */
function bestRange(ranges: readonly Range[], offer: Offer): number {
  let best = -1
  let highest = 0
  for (const [place, range] of ranges.entries()) {
    const specific = specificity(range, offer)
    if (specific > highest) {
      highest = specific
      best = place
    }
  }
  return best
}

/** 0 if the range does not match the offer, higher for more specific ranges. */
function specificity({ type, version }: Range, offer: Offer): number {
  if (version !== undefined && version !== offer.version) return 0
  if (type === offer.type) return version === undefined ? 3 : 4
  if (type === offer.type.replace(/\/.*/, '/*')) return 2
  return type === '*/*' ? 1 : 0
}
