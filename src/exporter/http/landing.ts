// SPDX-License-Identifier: Apache-2.0
/**
 * landing.ts - gathers the data of the landing page.
 *
 * In:    the stores as of the last collect(), and the status lines of each component.
 * Out:   the page and its HTTP headers.
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
  /** Path of the metrics, with a leading slash. */
  readonly telemetryPath: string
  /** Why Weir is not ready; undefined when it is. */
  readonly ready: () => string | undefined
  /** Status of each component: source, cluster, OTLP push. */
  readonly status: () => readonly (readonly [name: string, text: string])[]
  readonly version?: string
  readonly rates?: () => readonly Rate[]
  /** The last warnings and errors, oldest first. */
  readonly lines?: () => readonly RecentLine[]
}

/** The page shows log lines, so it must not be cached, framed or sent as a referrer. */
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
    status: status(),
    rates: rates?.() ?? [],
    losses: lossesOf(store),
    usages: usageOf([store, ...(otherStores?.() ?? [])]),
    lines: lines?.() ?? [],
    now: new Date(),
  })
}
