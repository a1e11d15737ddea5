// SPDX-License-Identifier: Apache-2.0
/**
 * environment.ts - the variables of OpenTelemetry's specification that configure the push of metrics.
 *
 * In:    OTEL_EXPORTER_OTLP_[METRICS_]{ENDPOINT,PROTOCOL,HEADERS,TIMEOUT,COMPRESSION,CERTIFICATE,CLIENT_CERTIFICATE,CLIENT_KEY},
 *        OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE, ..._DEFAULT_HISTOGRAM_AGGREGATION, OTEL_METRIC_EXPORT_{INTERVAL,TIMEOUT},
 *        OTEL_METRICS_EXPORTER, OTEL_SDK_DISABLED. The variable for metrics wins over the general one.
 * Out:   settings; those without a variable are absent. The specification treats an empty variable as unset.
 * Fail:  a value that Weir cannot use is ignored with a warning, as the specification requires: these variables are often set for
 *        all programs of a cluster. A warning names the variable, the value unless it may be secret, and what is allowed.
 */
import {
  COMPRESSIONS,
  type HISTOGRAMS,
  MIN_INTERVAL_MS,
  metricsUrl,
  type OtlpConfig,
  PROTOCOLS,
  readable,
  TEMPORALITIES,
  urlProblem,
} from './config.js'
import { isHeaderName, isHeaderValue } from './header.js'
import { parsePairs } from './resource.js'

export type Warn = (warning: string) => void

type Environment = Readonly<NodeJS.ProcessEnv>
type Settings = { -readonly [K in keyof OtlpConfig]?: OtlpConfig[K] }

const GENERAL = 'OTEL_EXPORTER_OTLP_'
const OF_METRICS = 'OTEL_EXPORTER_OTLP_METRICS_'
const EXPORTER = 'OTEL_METRICS_EXPORTER'
/** The specification's exporters; Weir's page serves `prometheus` in any case. */
const EXPORTERS = ['otlp', 'prometheus', 'console', 'none'] as const
/** The specification's values for `--otlp.histograms`. */
const AGGREGATIONS = {
  explicit_bucket_histogram: 'explicit',
  base2_exponential_bucket_histogram: 'exponential',
} as const satisfies Record<string, (typeof HISTOGRAMS)[number]>
type Aggregation = keyof typeof AGGREGATIONS

/** Whether OpenTelemetry is switched off altogether. */
export function sdkDisabled(env: Environment): boolean {
  return env.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true'
}

/** Whether the variables ask for a push: an endpoint, and no other exporter chosen. */
export function pushRequested(env: Environment, warn: Warn): boolean {
  return urlOf(env, warn) !== undefined && isOtlpChosen(env, warn)
}

/** Settings by variables, without those in `own`: a variable that a setting overrides is not read. */
export function otlpEnvironment(env: Environment, own: Partial<OtlpConfig>, warn: Warn): Partial<OtlpConfig> {
  const readers: { readonly [K in keyof OtlpConfig]?: () => OtlpConfig[K] | undefined } = {
    url: () => urlOf(env, warn),
    protocol: () => choice(signalVariables(env, 'PROTOCOL'), PROTOCOLS, warn),
    headers: () => headersOf(env, warn),
    timeoutMs: () => milliseconds(signalVariables(env, 'TIMEOUT'), 1, warn),
    compression: () => choice(signalVariables(env, 'COMPRESSION'), COMPRESSIONS, warn),
    certificate: () => file(signalVariables(env, 'CERTIFICATE'), warn),
    temporality: () => choice(variables(env, `${OF_METRICS}TEMPORALITY_PREFERENCE`), TEMPORALITIES, warn),
    histograms: () => histogramsOf(env, warn),
    intervalMs: () => milliseconds(variables(env, 'OTEL_METRIC_EXPORT_INTERVAL'), MIN_INTERVAL_MS, warn),
    exportTimeoutMs: () => milliseconds(variables(env, 'OTEL_METRIC_EXPORT_TIMEOUT'), 1, warn),
  }
  const given = Object.entries(readers).filter(([name]) => own[name as keyof OtlpConfig] === undefined)
  const settings = given.map(([name, read]) => [name, read()] as const)
  const ownClient = own.clientCertificate !== undefined || own.clientKey !== undefined
  const all = [...settings, ...Object.entries(ownClient ? {} : clientFilesOf(env, warn))]
  return Object.fromEntries(all.filter(([, value]) => value !== undefined)) as Settings
}

interface Variable {
  readonly name: string
  readonly value: string
}

/** The given ones of these variables. */
function variables(env: Environment, ...names: readonly string[]): Variable[] {
  return names.flatMap(name => {
    const value = env[name]?.trim()
    return value ? [{ name, value }] : []
  })
}

function signalVariables(env: Environment, suffix: string): Variable[] {
  return variables(env, OF_METRICS + suffix, GENERAL + suffix)
}

/** The first value that `read` accepts; a warning for each before it. `read` throws an Error that says what is allowed. */
function first<T>(found: readonly Variable[], warn: Warn, read: (variable: Variable) => T): T | undefined {
  for (const each of found) {
    try {
      return read(each)
    } catch (error) {
      warn(`${each.name} is ignored: ${(error as Error).message}`)
    }
  }
  return undefined
}

/** The metrics endpoint is used as it is; the one for all signals gets the metrics path appended. */
function urlOf(env: Environment, warn: Warn): string | undefined {
  return first(signalVariables(env, 'ENDPOINT'), warn, ({ name, value }) => {
    const problem = urlProblem(value)
    if (problem !== undefined) throw new Error(problem)
    return name === `${OF_METRICS}ENDPOINT` ? value : metricsUrl(value)
  })
}

/** Unset means otlp. A list may name several exporters. */
function isOtlpChosen(env: Environment, warn: Warn): boolean {
  const words = variables(env, EXPORTER).flatMap(({ value }) =>
    value
      .toLowerCase()
      .split(',')
      .map(word => word.trim()),
  )
  const known = words.filter(word => word !== '' && isOneOf(word, EXPORTERS, EXPORTER, warn))
  return known.length === 0 || known.includes('otlp')
}

function isOneOf(word: string, allowed: readonly string[], name: string, warn: Warn): boolean {
  if (allowed.includes(word)) return true
  warn(`${name} is ignored: '${word}'; expected ${allowed.join(', ')}`)
  return false
}

/** Both variables apply; the one for metrics wins for a header of both. */
function headersOf(env: Environment, warn: Warn): Readonly<Record<string, string>> | undefined {
  const found = signalVariables(env, 'HEADERS').reverse()
  const pairs = found.flatMap(each => first([each], warn, headerPairs) ?? [])
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs)
}

/** Never quotes a value. */
function headerPairs({ value }: Variable): [string, string][] {
  const pairs = Object.entries(parsePairs(value))
  for (const [header, text] of pairs) {
    if (!isHeaderName(header)) throw new Error(`'${header}' is not a header name`)
    if (!isHeaderValue(text)) throw new Error(`the value of '${header}' has a line break`)
  }
  return pairs
}

function histogramsOf(env: Environment, warn: Warn): OtlpConfig['histograms'] | undefined {
  const words = Object.keys(AGGREGATIONS) as Aggregation[]
  const word = choice(variables(env, `${OF_METRICS}DEFAULT_HISTOGRAM_AGGREGATION`), words, warn)
  return word && AGGREGATIONS[word]
}

function choice<T extends string>(found: readonly Variable[], allowed: readonly T[], warn: Warn): T | undefined {
  return first(found, warn, ({ value }) => {
    const word = allowed.find(each => each === value.toLowerCase())
    if (word === undefined) throw new Error(`'${value}'; expected ${allowed.join(', ')}`)
    return word
  })
}

function milliseconds(found: readonly Variable[], least: number, warn: Warn): number | undefined {
  return first(found, warn, ({ value }) => {
    if (/^\d{1,9}$/.test(value) && Number(value) >= least) return Number(value)
    throw new Error(`'${value}'; expected milliseconds, a whole number from ${least}`)
  })
}

function file(found: readonly Variable[], warn: Warn): string | undefined {
  return first(found, warn, ({ value }) => {
    if (!readable(value)) throw new Error(`'${value}'; expected a readable PEM file`)
    return value
  })
}

/** Certificate and key are used together or not at all. */
function clientFilesOf(env: Environment, warn: Warn): Pick<OtlpConfig, 'clientCertificate' | 'clientKey'> {
  const clientCertificate = file(signalVariables(env, 'CLIENT_CERTIFICATE'), warn)
  const clientKey = file(signalVariables(env, 'CLIENT_KEY'), warn)
  if (clientCertificate !== undefined && clientKey !== undefined) return { clientCertificate, clientKey }
  if (clientCertificate ?? clientKey) {
    warn(`${GENERAL}CLIENT_CERTIFICATE and ${GENERAL}CLIENT_KEY are ignored: expected both or neither`)
  }
  return {}
}
