/**
 * otlp.ts - settings of the push by OTLP. What is not set here may be set by OpenTelemetry's own OTEL_* variables.
 *
 * Checks that concern several of them are checkOtlp()'s: what they come to depends on those variables.
 */
import { COMPRESSIONS, HISTOGRAMS, metricsUrl, OTLP_DEFAULTS, PROTOCOLS, TEMPORALITIES } from '../../otlp/config.js'
import { duration, showDuration } from '../duration.js'
import { choice, integer, type Kind, mapOf, parsed, path, text } from '../kind.js'
import { optional } from '../setting.js'

const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
const MOST_POINTS = 100_000

const endpoint = parsed('url', 'an http:// or https:// URL, like http://collector:4318', word => {
  const url = URL.canParse(word) ? new URL(word) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return metricsUrl(word)
  throw new Error('allowed: an http:// or https:// URL, like http://collector:4318')
})

const headerName = text('name', 'a header name', word => /^[\w!#$%&'*+.^`|~-]+$/.test(word)).schema as never
const headerValue = text('value', 'a header value on one line', word => /^[\t\x20-\x7e\x80-\xff]*$/.test(word))
const headers: Kind<Readonly<Record<string, string>>> = mapOf('name', headerName, headerValue)

const orVariable = (own: string) => ({ defaultText: `${own}, or what OTEL_* variables say` })

export const otlp = {
  'otlp.endpoint': optional(endpoint, {
    help: 'where to push metrics by OTLP, over HTTP; v1/metrics is appended unless it is there',
    defaultText: 'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT or OTEL_EXPORTER_OTLP_ENDPOINT; without, nothing is pushed',
  }),
  'otlp.protocol': optional(choice('protocol', PROTOCOLS), {
    help: 'encoding: JSON for Prometheus or a Collector, protobuf for VictoriaMetrics or for less traffic',
    ...orVariable(OTLP_DEFAULTS.protocol),
  }),
  'otlp.headers': optional(headers, {
    help: 'a header of the requests, repeatable; with a password rather in the file or the environment',
    secret: true,
    ...orVariable('none'),
  }),
  'otlp.timeout': optional(duration(100, HOUR_MS), {
    help: 'the longest that one request may take, repetitions included',
    ...orVariable(showDuration(OTLP_DEFAULTS.timeoutMs)),
  }),
  'otlp.interval': optional(duration(1000, DAY_MS), {
    help: 'time from one export to the next; the first comes at a random moment in it',
    ...orVariable(showDuration(OTLP_DEFAULTS.intervalMs)),
  }),
  'otlp.export-timeout': optional(duration(100, HOUR_MS), {
    help: 'the longest that one export may take, all its requests; at most the interval',
    ...orVariable(`${showDuration(OTLP_DEFAULTS.exportTimeoutMs)} or the interval`),
  }),
  'otlp.compression': optional(choice('method', COMPRESSIONS), {
    help: 'compression of the requests',
    ...orVariable(OTLP_DEFAULTS.compression),
  }),
  'otlp.temporality': optional(choice('temporality', TEMPORALITIES), {
    help: 'counts since the series began, or differences since what was accepted last; lowmemory is delta here',
    ...orVariable(OTLP_DEFAULTS.temporality),
  }),
  'otlp.histograms': optional(choice('form', HISTOGRAMS), {
    help: 'form of histograms: with our bounds, or base 2 exponential',
    ...orVariable(OTLP_DEFAULTS.histograms),
  }),
  'otlp.certificate': optional(path, {
    help: 'authorities to trust, PEM, read again before each export',
    ...orVariable("Node's own"),
  }),
  'otlp.client-certificate': optional(path, {
    help: 'certificate of this client, PEM, read again before each export',
    ...orVariable('none'),
  }),
  'otlp.client-key': optional(path, { help: 'key of that certificate, PEM', ...orVariable('none') }),
  'otlp.batch-points': optional(integer(1, MOST_POINTS), {
    help: 'data points in one request',
    defaultText: String(OTLP_DEFAULTS.batchPoints),
  }),
}
