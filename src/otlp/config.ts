// SPDX-License-Identifier: Apache-2.0
/**
 * config.ts - the settings of the push.
 *
 * In:    plain values from flags, a file or the OTEL_* variables (environment.ts).
 * Fail:  checkOtlp() throws an error that names the setting, the value and what is allowed. It never quotes headers
 *        or passwords.
 */
import { accessSync, constants } from 'node:fs'
import { shownUrl } from '../lib/shown-url.js'
import { isHeaderName, isHeaderValue } from './header.js'

export const PROTOCOLS = ['http/json', 'http/protobuf'] as const
export const COMPRESSIONS = ['none', 'gzip'] as const
export const TEMPORALITIES = ['cumulative', 'delta', 'lowmemory'] as const
export const HISTOGRAMS = ['explicit', 'exponential'] as const

export interface OtlpConfig {
  /** Full URL including the metrics path, e.g. http://collector:4318/v1/metrics. */
  readonly url: string
  readonly protocol: (typeof PROTOCOLS)[number]
  readonly headers: Readonly<Record<string, string>>
  /** Limit of one request including retries. */
  readonly timeoutMs: number
  readonly intervalMs: number
  /** Limit of one export with all its requests. At most the interval. */
  readonly exportTimeoutMs: number
  readonly compression: (typeof COMPRESSIONS)[number]
  /** lowmemory means delta here: all of Weir's counters are synchronous. */
  readonly temporality: (typeof TEMPORALITIES)[number]
  readonly histograms: (typeof HISTOGRAMS)[number]
  /** PEM files, read before each export so that they can be renewed. */
  readonly certificate?: string
  readonly clientCertificate?: string
  readonly clientKey?: string
  /** Maximum data points in one request. */
  readonly batchPoints: number
}

/**
 * 5,000 points are some 3 MB of JSON. Prometheus accepts at most 32 MB and the Collector 20 MB after decompression.
 * Interval and timeouts are OpenTelemetry's own defaults.
 */
export const OTLP_DEFAULTS = {
  protocol: 'http/json',
  headers: {},
  timeoutMs: 10_000,
  intervalMs: 60_000,
  exportTimeoutMs: 30_000,
  compression: 'gzip',
  temporality: 'cumulative',
  histograms: 'explicit',
  batchPoints: 5000,
} as const satisfies Omit<OtlpConfig, 'url'>

/** Bounds the load on the receiver. */
export const MIN_INTERVAL_MS = 1000

/** Path of metrics below an endpoint, as OTLP defines it. */
const METRICS_PATH = 'v1/metrics'

/**
 * The metrics URL of an endpoint for all signals: appends `v1/metrics` to its path unless it ends in it. Keeps the query, which may
 * name a tenant; drops the fragment, which HTTP does not send. Text that is no URL is returned as it is.
 */
export function metricsUrl(endpoint: string): string {
  if (!URL.canParse(endpoint)) return endpoint
  const url = new URL(endpoint)
  const base = url.pathname.replace(/\/+$/, '')
  url.pathname = base.endsWith(`/${METRICS_PATH}`) ? base : `${base}/${METRICS_PATH}`
  url.hash = ''
  return url.href
}

export function checkOtlp(config: OtlpConfig): void {
  const problem = urlProblem(config.url)
  if (problem !== undefined) throw new Error(`otlp.endpoint ${problem}`)
  checkNumbers(config)
  checkHeaders(config.headers)
  checkTls(config)
}

/** Why a URL cannot be used; undefined if it can. Never quotes a password. */
export function urlProblem(text: string): string | undefined {
  if (!URL.canParse(text)) return `'${shownUrl(text)}': expected a URL such as http://collector:4318`
  const { protocol, password, username } = new URL(text)
  if (protocol !== 'http:' && protocol !== 'https:') return `'${shownUrl(text)}': expected an http:// or https:// URL`
  if (username === '' && password === '') return undefined
  return `'${shownUrl(text)}': expected credentials in a header, not in the URL`
}

function checkNumbers({ timeoutMs, intervalMs, exportTimeoutMs, batchPoints }: OtlpConfig): void {
  if (!(intervalMs >= MIN_INTERVAL_MS)) refuse('interval', `${intervalMs} ms`, '1s or more')
  if (!(timeoutMs >= 1)) refuse('timeout', `${timeoutMs} ms`, '1ms or more')
  if (!(exportTimeoutMs >= 1 && exportTimeoutMs <= intervalMs)) {
    refuse('export-timeout', `${exportTimeoutMs} ms`, `1ms up to the interval, ${intervalMs} ms`)
  }
  if (!(Number.isInteger(batchPoints) && batchPoints >= 1)) refuse('batch-points', String(batchPoints), '1 or more')
}

function checkHeaders(headers: OtlpConfig['headers']): void {
  for (const [name, value] of Object.entries(headers)) {
    if (!isHeaderName(name)) refuse('headers', name, 'a header name')
    if (!isHeaderValue(value)) refuse('headers', `${name}: (hidden)`, 'a value without line breaks')
  }
}

function checkTls(config: OtlpConfig): void {
  const files = {
    certificate: config.certificate,
    'client-certificate': config.clientCertificate,
    'client-key': config.clientKey,
  }
  for (const [name, file] of Object.entries(files)) {
    if (file !== undefined && !readable(file)) refuse(name, file, 'a readable PEM file')
  }
  if ((config.clientCertificate === undefined) !== (config.clientKey === undefined)) {
    refuse(
      'client-certificate',
      config.clientCertificate ?? 'none',
      'both client-certificate and client-key, or neither',
    )
  }
}

export function readable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK)
    return true
  } catch {
    return false
  }
}

function refuse(setting: string, value: string, allowed: string): never {
  throw new Error(`otlp.${setting} '${value}': expected ${allowed}`)
}
