// SPDX-License-Identifier: Apache-2.0
/**
 * otlp.ts - settings of the OTLP push. OpenTelemetry's own OTEL_* variables apply where a setting is not given.
 *
 * checkOtlp() checks the settings against each other, because the final values depend on those variables.
 */

import { shownUrl } from '../../lib/shown-url.js'
import { COMPRESSIONS, HISTOGRAMS, metricsUrl, OTLP_DEFAULTS, PROTOCOLS, TEMPORALITIES } from '../../otlp/config.js'
import { isHeaderName, isHeaderValue } from '../../otlp/header.js'
import { duration, showDuration } from '../duration.js'
import { choice, integer, type Kind, mapOf, parsed, path, text } from '../kind.js'
import { optional } from '../setting.js'

const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
const MAX_POINTS = 100_000

const URL_ALLOWED = 'an http:// or https:// URL, like http://collector:4318'
const parseEndpoint = (word: string): string => {
  const url = URL.canParse(word) ? new URL(word) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return metricsUrl(word)
  throw new Error(`allowed: ${URL_ALLOWED}`)
}
const endpoint = parsed('url', URL_ALLOWED, parseEndpoint, shownUrl)

const headerName = text('name', 'a header name', isHeaderName).schema as never
const headerValue = text('value', 'a header value on one line', isHeaderValue)
const headers: Kind<Readonly<Record<string, string>>> = mapOf('name', headerName, headerValue)

const orVariable = (byDefault: string) => ({ defaultText: `${byDefault}, unless an OTEL_* variable sets it` })

export const otlp = {
  'otlp.endpoint': optional(endpoint, {
    help: 'URL to push metrics to over OTLP/HTTP; v1/metrics is appended unless present',
    redact: shownUrl,
    defaultText: 'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT or OTEL_EXPORTER_OTLP_ENDPOINT; no push if neither is set',
  }),
  'otlp.protocol': optional(choice('protocol', PROTOCOLS), {
    help: 'encoding: http/json (Prometheus, Collector) or http/protobuf (VictoriaMetrics, or less traffic)',
    ...orVariable(OTLP_DEFAULTS.protocol),
  }),
  'otlp.headers': optional(headers, {
    help: 'request header; keep credentials in the file or the environment',
    secret: true,
    ...orVariable('none'),
  }),
  'otlp.timeout': optional(duration(100, HOUR_MS), {
    help: 'timeout of one request, including retries',
    ...orVariable(showDuration(OTLP_DEFAULTS.timeoutMs)),
  }),
  'otlp.interval': optional(duration(1000, DAY_MS), {
    help: 'interval between exports; the first export comes at a random time within it',
    ...orVariable(showDuration(OTLP_DEFAULTS.intervalMs)),
  }),
  'otlp.export-timeout': optional(duration(100, HOUR_MS), {
    help: 'timeout of one export with all its requests; at most the interval',
    ...orVariable(`${showDuration(OTLP_DEFAULTS.exportTimeoutMs)} or the interval`),
  }),
  'otlp.compression': optional(choice('method', COMPRESSIONS), {
    help: 'compression of requests: none or gzip',
    ...orVariable(OTLP_DEFAULTS.compression),
  }),
  'otlp.temporality': optional(choice('temporality', TEMPORALITIES), {
    help: 'cumulative (totals since the series began) or delta (change since the last accepted export); lowmemory means delta',
    ...orVariable(OTLP_DEFAULTS.temporality),
  }),
  'otlp.histograms': optional(choice('type', HISTOGRAMS), {
    help: 'histogram type: explicit (fixed bucket bounds) or exponential (base 2)',
    ...orVariable(OTLP_DEFAULTS.histograms),
  }),
  'otlp.certificate': optional(path, {
    help: 'CA certificates to trust, PEM; reread before each export',
    ...orVariable("Node's bundled CA certificates"),
  }),
  'otlp.client-certificate': optional(path, {
    help: 'client certificate, PEM; reread before each export',
    ...orVariable('none'),
  }),
  'otlp.client-key': optional(path, { help: 'private key of the client certificate, PEM', ...orVariable('none') }),
  'otlp.batch-points': optional(integer(1, MAX_POINTS), {
    help: 'maximum number of data points in one request',
    defaultText: String(OTLP_DEFAULTS.batchPoints),
  }),
}
