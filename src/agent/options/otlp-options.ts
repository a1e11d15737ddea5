// SPDX-License-Identifier: Apache-2.0
/**
 * otlp-options.ts - the options of the OTLP push from settings and OTEL_* variables; settings win.
 *
 * Out:   undefined without an endpoint, if OTEL_SDK_DISABLED is true, or if only variables give an endpoint and
 *        OTEL_METRICS_EXPORTER chooses another exporter. Calls `warn` for each variable that Weir cannot use.
 * Fail:  conflicting settings, and a Weir that would neither serve nor push, are an InvalidConfig. Variables never are: they may be
 *        meant for other programs.
 */
import { InvalidConfig } from '../../config/problem.js'
import type { Config } from '../../config/schema.js'
import { checkOtlp, OTLP_DEFAULTS, type OtlpConfig } from '../../otlp/config.js'
import { otlpEnvironment, pushRequested, sdkDisabled, type Warn } from '../../otlp/environment.js'
import { resourceAttributes } from '../../otlp/resource.js'

const ignore: Warn = () => undefined

export function otlpOptions(
  config: Config,
  env: NodeJS.ProcessEnv = process.env,
  warn: Warn = ignore,
): OtlpConfig | undefined {
  const push = sdkDisabled(env) ? undefined : pushOf(config, env, once(warn))
  if (push !== undefined || config.web) return push
  const message = 'nothing would be served or pushed; allowed: true, or false with otlp.endpoint'
  throw new InvalidConfig([{ where: '', name: 'web', value: 'false', message }])
}

function pushOf(config: Config, env: NodeJS.ProcessEnv, warn: Warn): OtlpConfig | undefined {
  const own = settings(config)
  if (own.url === undefined && !pushRequested(env, warn)) return undefined
  try {
    const byVariable = otlpEnvironment(env, own, warn)
    const url = own.url ?? byVariable.url!
    const push = { ...OTLP_DEFAULTS, ...byVariable, ...own, url, ...timesOf(config, own, byVariable, warn) }
    checkOtlp(push)
    checkTtl(config['series.ttl'], push.intervalMs)
    resourceAttributes(env, '', warn)
    return push
  } catch (error) {
    throw new InvalidConfig([{ where: '', name: 'otlp', message: (error as Error).message }])
  }
}

/** A variable that is read twice has one warning. */
function once(warn: Warn): Warn {
  const warned = new Set<string>()
  return warning => {
    if (!warned.has(warning)) warn(warning)
    warned.add(warning)
  }
}

/** Interval and timeout of an export. A variable that does not fit Weir's own settings gives way. */
function timesOf(
  config: Config,
  own: Partial<OtlpConfig>,
  byVariable: Partial<OtlpConfig>,
  warn: Warn,
): Pick<OtlpConfig, 'intervalMs' | 'exportTimeoutMs'> {
  const ttlMs = config['series.ttl']
  let intervalMs = own.intervalMs ?? byVariable.intervalMs ?? OTLP_DEFAULTS.intervalMs
  if (own.intervalMs === undefined && byVariable.intervalMs !== undefined && !fitsTtl(ttlMs, intervalMs)) {
    intervalMs = OTLP_DEFAULTS.intervalMs
    const reason = `${byVariable.intervalMs} ms with a series.ttl of ${ttlMs} ms; expected at most half of it`
    warn(`OTEL_METRIC_EXPORT_INTERVAL is ignored: ${reason}`)
  }
  // OpenTelemetry's default timeout fits its default interval; a shorter interval needs a shorter timeout.
  const timeoutMs = byVariable.exportTimeoutMs ?? OTLP_DEFAULTS.exportTimeoutMs
  return { intervalMs, exportTimeoutMs: own.exportTimeoutMs ?? Math.min(timeoutMs, intervalMs) }
}

/** A push must see the last value of a series before the series expires. */
function checkTtl(ttlMs: number, intervalMs: number): void {
  if (fitsTtl(ttlMs, intervalMs)) return
  throw new Error(`interval of ${intervalMs} ms with a series.ttl of ${ttlMs} ms: expected at most half of it`)
}

function fitsTtl(ttlMs: number, intervalMs: number): boolean {
  return ttlMs === 0 || ttlMs >= 2 * intervalMs
}

/** The settings that are given. */
function settings(config: Config): Partial<OtlpConfig> {
  const all = {
    url: config['otlp.endpoint'],
    protocol: config['otlp.protocol'],
    headers: config['otlp.headers'],
    timeoutMs: config['otlp.timeout'],
    intervalMs: config['otlp.interval'],
    exportTimeoutMs: config['otlp.export-timeout'],
    compression: config['otlp.compression'],
    temporality: config['otlp.temporality'],
    histograms: config['otlp.histograms'],
    certificate: config['otlp.certificate'],
    clientCertificate: config['otlp.client-certificate'],
    clientKey: config['otlp.client-key'],
    batchPoints: config['otlp.batch-points'],
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Partial<OtlpConfig>
}
