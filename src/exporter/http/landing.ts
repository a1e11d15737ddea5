/**
 * landing.ts - what the landing page shows of a server at this moment.
 *
 * In:    the stores as the last collect() left them, and what each part tells of itself.
 * Out:   the page, and the headers that it goes out with.
 */

import type { SeriesStore } from '../series/series.js'
import { lossesOf, usageOf } from './overview.js'
import { landingPage } from './page.js'
import { POLICY } from './page-style.js'
import type { Rate } from './rates.js'
import type { RecentLine } from './recent-lines.js'

export interface LandingOptions {
  readonly store: SeriesStore
  readonly otherStores?: () => readonly SeriesStore[]
  /** Where the metrics are; begins with a slash. */
  readonly telemetryPath: string
  /** Why not ready, or undefined. */
  readonly ready: () => string | undefined
  /** What each part tells of itself: the source and its state, the cluster, the push. */
  readonly status: () => readonly (readonly [name: string, text: string])[]
  readonly version?: string
  readonly rates?: () => readonly Rate[]
  /** The last warnings and errors, the oldest first. */
  readonly lines?: () => readonly RecentLine[]
}

/** Log lines are of this moment and of nobody else's business: not kept, not framed, not referred from. */
export const landingHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
}

export function landingOf(options: LandingOptions): string {
  const { telemetryPath, ready, status, store, otherStores, version = '', rates, lines } = options
  return landingPage({
    version,
    telemetryPath,
    notReady: ready(),
    rows: status(),
    rates: rates?.() ?? [],
    losses: lossesOf(store),
    fills: usageOf([store, ...(otherStores?.() ?? [])]),
    lines: lines?.() ?? [],
    now: new Date(),
  })
}
