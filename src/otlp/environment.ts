// SPDX-License-Identifier: Apache-2.0
/**
 * environment.ts - the variables of OpenTelemetry's specification that configure the push of metrics.
 *
 * In:    OTEL_EXPORTER_OTLP_[METRICS_]{ENDPOINT,PROTOCOL,HEADERS,TIMEOUT,COMPRESSION,CERTIFICATE,CLIENT_CERTIFICATE,CLIENT_KEY},
 *        OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE, ..._DEFAULT_HISTOGRAM_AGGREGATION, OTEL_METRIC_EXPORT_{INTERVAL,TIMEOUT},
 *        OTEL_SDK_DISABLED. The variable for metrics wins over the general one.
 * Out:   settings; those without a variable are absent. The specification treats an empty variable as unset.
 * Fail:  a value that is not allowed throws an error that names the variable, the value and what is allowed.
 */
import { COMPRESSIONS, type HISTOGRAMS, metricsUrl, type OtlpConfig, PROTOCOLS, TEMPORALITIES } from './config.js'
import { parsePairs } from './resource.js'

type Environment = Readonly<NodeJS.ProcessEnv>
type Settings = { -readonly [K in keyof OtlpConfig]?: OtlpConfig[K] }

const GENERAL = 'OTEL_EXPORTER_OTLP_'
const OF_METRICS = 'OTEL_EXPORTER_OTLP_METRICS_'
/** The specification's values for `--otlp.histograms`. */
const AGGREGATIONS = {
  explicit_bucket_histogram: 'explicit',
  base2_exponential_bucket_histogram: 'exponential',
} as const

/** Whether OpenTelemetry is switched off altogether. */
export function sdkDisabled(env: Environment): boolean {
  return env.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true'
}

export function otlpEnvironment(env: Environment): Partial<OtlpConfig> {
  const settings: Settings = {
    url: urlOf(env),
    protocol: choice(signalVariable(env, 'PROTOCOL'), PROTOCOLS),
    headers: headersOf(env),
    timeoutMs: milliseconds(signalVariable(env, 'TIMEOUT')),
    compression: choice(signalVariable(env, 'COMPRESSION'), COMPRESSIONS),
    certificate: signalVariable(env, 'CERTIFICATE')?.value,
    clientCertificate: signalVariable(env, 'CLIENT_CERTIFICATE')?.value,
    clientKey: signalVariable(env, 'CLIENT_KEY')?.value,
    temporality: choice(variable(env, `${OF_METRICS}TEMPORALITY_PREFERENCE`), TEMPORALITIES),
    histograms: histogramsOf(env),
    intervalMs: milliseconds(variable(env, 'OTEL_METRIC_EXPORT_INTERVAL')),
    exportTimeoutMs: milliseconds(variable(env, 'OTEL_METRIC_EXPORT_TIMEOUT')),
  } as Settings
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
}

interface Variable {
  readonly name: string
  readonly value: string
}

function variable(env: Environment, name: string): Variable | undefined {
  const value = env[name]?.trim()
  return value ? { name, value } : undefined
}

function signalVariable(env: Environment, suffix: string): Variable | undefined {
  return variable(env, OF_METRICS + suffix) ?? variable(env, GENERAL + suffix)
}

/** The metrics endpoint is used as it is; the one for all signals gets the metrics path appended. */
function urlOf(env: Environment): string | undefined {
  const own = variable(env, `${OF_METRICS}ENDPOINT`)
  if (own !== undefined) return own.value
  const general = variable(env, `${GENERAL}ENDPOINT`)
  return general && metricsUrl(general.value)
}

function headersOf(env: Environment): Record<string, string> | undefined {
  const both = [variable(env, `${GENERAL}HEADERS`), variable(env, `${OF_METRICS}HEADERS`)].filter(
    found => found !== undefined,
  )
  if (both.length === 0) return undefined
  return Object.assign({}, ...both.map(({ name, value }) => parsePairs(value, name)))
}

function histogramsOf(env: Environment): OtlpConfig['histograms'] | undefined {
  const found = variable(env, `${OF_METRICS}DEFAULT_HISTOGRAM_AGGREGATION`)
  const words = Object.keys(AGGREGATIONS) as (keyof typeof AGGREGATIONS)[]
  const word = choice(found, words)
  return word && (AGGREGATIONS[word] satisfies (typeof HISTOGRAMS)[number])
}

function choice<T extends string>(found: Variable | undefined, allowed: readonly T[]): T | undefined {
  if (found === undefined) return undefined
  const value = allowed.find(each => each === found.value.toLowerCase())
  if (value === undefined) throw new Error(`${found.name} '${found.value}': expected ${allowed.join(', ')}`)
  return value
}

function milliseconds(found: Variable | undefined): number | undefined {
  if (found === undefined) return undefined
  if (!/^[1-9]\d{0,9}$/.test(found.value)) {
    throw new Error(`${found.name} '${found.value}': expected milliseconds, a whole number from 1`)
  }
  return Number(found.value)
}
