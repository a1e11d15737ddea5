/**
 * config.ts - what the push needs to know.
 *
 * In:    plain values, from flags, a file or the OTEL_* variables (environment.ts).
 * Fail:  checkOtlp() throws an error that names the setting, the value and what is allowed. Headers are never quoted.
 */
import { accessSync, constants } from 'node:fs'

export const PROTOCOLS = ['http/json', 'http/protobuf'] as const
export const COMPRESSIONS = ['none', 'gzip'] as const
export const TEMPORALITIES = ['cumulative', 'delta', 'lowmemory'] as const
export const HISTOGRAMS = ['explicit', 'exponential'] as const

export interface OtlpConfig {
  /** Whole URL of the metrics path, e.g. http://collector:4318/v1/metrics. */
  readonly url: string
  readonly protocol: (typeof PROTOCOLS)[number]
  readonly headers: Readonly<Record<string, string>>
  /** For one request, its repetitions included. */
  readonly timeoutMs: number
  readonly intervalMs: number
  /** For one export, all its requests. At most the interval. */
  readonly exportTimeoutMs: number
  readonly compression: (typeof COMPRESSIONS)[number]
  /** lowmemory is delta here: everything that Weir counts is counted as it comes. */
  readonly temporality: (typeof TEMPORALITIES)[number]
  readonly histograms: (typeof HISTOGRAMS)[number]
  /** Files in PEM; read again before each export, so that they can be renewed. */
  readonly certificate?: string
  readonly clientCertificate?: string
  readonly clientKey?: string
  /** Data points in one request. */
  readonly batchPoints: number
}

/**
 * 5,000 points are some 3 MB of JSON. Prometheus reads 32 MB and the Collector 20 MB at most, unpacked.
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

/** Path of the metrics below an endpoint, by the protocol's definition. */
const METRICS_PATH = 'v1/metrics'

/** The metrics path of an endpoint for all signals: `v1/metrics` is appended unless it is there. */
export function metricsUrl(endpoint: string): string {
  const base = endpoint.replace(/\/+$/, '')
  return base.endsWith(`/${METRICS_PATH}`) ? base : `${base}/${METRICS_PATH}`
}

export function checkOtlp(config: OtlpConfig): void {
  const { protocol, password, username } = urlOf(config.url)
  if (protocol !== 'http:' && protocol !== 'https:') refuse('endpoint', config.url, 'an http:// or https:// URL')
  if (username !== '' || password !== '')
    refuse('endpoint', 'with a password', 'credentials in a header, not in the URL')
  checkNumbers(config)
  checkHeaders(config.headers)
  checkTls(config)
}

function urlOf(text: string): URL {
  try {
    return new URL(text)
  } catch {
    return refuse('endpoint', text, 'a URL such as http://collector:4318')
  }
}

function checkNumbers({ timeoutMs, intervalMs, exportTimeoutMs, batchPoints }: OtlpConfig): void {
  if (!(intervalMs >= 1000)) refuse('interval', `${intervalMs} ms`, '1s or more')
  if (!(timeoutMs >= 1)) refuse('timeout', `${timeoutMs} ms`, '1ms or more')
  if (!(exportTimeoutMs >= 1 && exportTimeoutMs <= intervalMs)) {
    refuse('export-timeout', `${exportTimeoutMs} ms`, `1ms up to the interval, ${intervalMs} ms`)
  }
  if (!(Number.isInteger(batchPoints) && batchPoints >= 1)) refuse('batch-points', String(batchPoints), '1 or more')
}

function checkHeaders(headers: OtlpConfig['headers']): void {
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) refuse('headers', name, 'a header name')
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) refuse('headers', `${name}: (hidden)`, 'a value without line breaks')
  }
}

function checkTls(config: OtlpConfig): void {
  const files = {
    certificate: config.certificate,
    'client-certificate': config.clientCertificate,
    'client-key': config.clientKey,
  }
  for (const [name, file] of Object.entries(files)) {
    if (file !== undefined && !readable(file)) refuse(name, file, 'a file in PEM that can be read')
  }
  if ((config.clientCertificate === undefined) !== (config.clientKey === undefined)) {
    refuse('client-certificate', config.clientCertificate ?? 'none', 'client-certificate and client-key, or neither')
  }
}

function readable(file: string): boolean {
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
