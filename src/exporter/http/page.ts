// SPDX-License-Identifier: Apache-2.0
/**
 * page.ts - renders the landing page at `/`: version, state, rates, losses, usage, log lines and links.
 *
 * In:    untrusted text, so all of it is escaped.
 * Out:   self-contained HTML: no scripts, no fonts, no other hosts. A snapshot; reload to update it.
 */
import type { Loss, Usage } from './overview.js'
import { STYLE } from './page-style.js'
import type { Rate } from './rates.js'
import type { RecentLine } from './recent-lines.js'

export interface Landing {
  readonly version: string
  readonly telemetryPath: string
  /** Why Weir is not ready; undefined when it is. */
  readonly notReady: string | undefined
  /** Status of each component: source, cluster, OTLP push. */
  readonly status: readonly (readonly [name: string, text: string])[]
  readonly rates: readonly Rate[]
  readonly losses: readonly Loss[]
  readonly usages: readonly Usage[]
  /** Oldest first. */
  readonly lines: readonly RecentLine[]
  readonly now: Date
}

const UNITS = [
  [1e12, ' T'],
  [1e9, ' G'],
  [1e6, ' M'],
] as const
/** Share from which a bar is red. */
const HIGH = 0.9
const DROPLETS =
  'data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22 viewBox=%220 0 16 16%22%3E%3Crect width=%2216%22 height=%2216%22 rx=%223%22 fill=%22%230b5c72%22/%3E%3Cpath d=%22M2 6q3-3 6 0t6 0M2 11q3-3 6 0t6 0%22 fill=%22none%22 stroke=%22%23fff%22 stroke-width=%222%22/%3E%3C/svg%3E'

/** The whole page. */
export function landingPage(landing: Landing): string {
  const { version, telemetryPath, status, now } = landing
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>Weir</title>
<link rel="icon" href="${DROPLETS}">
<style>${STYLE}</style>
</head>
<body>
<header><div><h1>Weir <small>${escapeHtml(version)}</small></h1><p>Exact network flow metrics of this Kubernetes node</p></div></header>
<main>
<div class="columns">
<section><h2>State</h2>${stateOf(landing)}<dl class="status">${status.map(([name, text]) => term(name, text)).join('')}</dl></section>
<section><h2>Rates</h2>${ratesOf(landing.rates)}</section>
<section><h2>Losses</h2>${lossesOf(landing.losses)}</section>
<section><h2>Usage</h2>${usagesOf(landing.usages)}</section>
</div>
<section><h2>Recent warnings and errors</h2>${linesOf(landing.lines)}</section>
<nav>${linksOf(telemetryPath)}</nav>
</main>
<footer>As of <code>${now.toISOString().replace(/\.\d+Z$/, 'Z')}</code>. Reload to update.</footer>
</body>
</html>
`
}

function stateOf({ notReady }: Landing): string {
  if (notReady === undefined) return '<p class="state">Ready</p>'
  return `<p class="state not">Not ready: ${escapeHtml(notReady)}</p>`
}

function ratesOf(rates: readonly Rate[]): string {
  if (rates.length === 0) return '<p class="none">Available ten seconds after start.</p>'
  const each = rates.map(
    ({ name, value }) => `<div><dt>${escapeHtml(name)} per second</dt><dd>${short(value)}</dd></div>`,
  )
  return `<dl class="rates">${each.join('')}</dl>`
}

function lossesOf(losses: readonly Loss[]): string {
  if (losses.length === 0) return '<p class="none">This source has no loss counters.</p>'
  const each = losses.map(
    ({ what, metric, count, harmless }) =>
      `<dt title="${escapeHtml(metric)}">${escapeHtml(what)}</dt><dd${count > 0 && !harmless ? ' class="lost"' : ''}>${rounded(count)}</dd>`,
  )
  return `<dl>${each.join('')}</dl>`
}

function usagesOf(usages: readonly Usage[]): string {
  if (usages.length === 0) return '<p class="none">No series yet.</p>'
  return usages.map(usageBar).join('')
}

function usageBar({ name, used, limit }: Usage): string {
  const share = limit > 0 ? Math.min(1, used / limit) : 0
  const width = used > 0 ? Math.max(0.5, share * 100) : 0
  const numbers = `${rounded(used)} of ${rounded(limit)}`
  return `<div class="usage${share >= HIGH ? ' high' : ''}"><div><span>${escapeHtml(name).replaceAll('_', '_<wbr>')}</span><span>${numbers}</span></div><svg aria-hidden="true"><rect width="${width.toFixed(1)}%" height="100%"/></svg></div>`
}

/** Newest first. */
function linesOf(lines: readonly RecentLine[]): string {
  if (lines.length === 0) return '<p class="none">None since start.</p>'
  const each = lines
    .toReversed()
    .map(({ ts, level, text }) => `<li class="${level}"><time>${escapeHtml(ts)} ${level}</time>${escapeHtml(text)}`)
  return `<ol>${each.join('')}</ol>`
}

function linksOf(telemetryPath: string): string {
  const links = [
    [telemetryPath, 'metrics for Prometheus'],
    ['/-/healthy', '200 while the process is alive'],
    ['/-/ready', '200 once Weir counts packets'],
  ] as const
  return links
    .map(([path, what]) => `<a href="${escapeHtml(path)}"><code>${escapeHtml(path)}</code><small>${what}</small></a>`)
    .join('')
}

function term(name: string, text: string): string {
  return `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(text)}</dd>`
}

/** Short form: 1.2 G for 1,204,223,118. */
function short(n: number): string {
  const [factor, unit] = UNITS.find(([least]) => n >= least) ?? [1, '']
  return `${rounded(n / factor)}${unit}`
}

/** A whole number with commas; below ten with one decimal. */
function rounded(n: number): string {
  return n.toLocaleString('en-US', { maximumFractionDigits: n < 10 ? 1 : 0 })
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
