// SPDX-License-Identifier: Apache-2.0
/**
 * otlp-options.ts - the options of the OTLP push from settings and OTEL_* variables; settings win.
 *
 * Out:   undefined without an endpoint, or if OTEL_SDK_DISABLED is true.
 * Fail:  conflicting values, invalid OTEL_* variables, and a Weir that would neither serve nor push are an InvalidConfig.
 */
import { InvalidConfig } from '../../config/problem.js'
import type { Config } from '../../config/schema.js'
import { checkOtlp, OTLP_DEFAULTS, type OtlpConfig } from '../../otlp/config.js'
import { otlpEnvironment, sdkDisabled } from '../../otlp/environment.js'
import { resourceAttributes } from '../../otlp/resource.js'

export function otlpOptions(config: Config, env: NodeJS.ProcessEnv = process.env): OtlpConfig | undefined {
  const push = sdkDisabled(env) ? undefined : pushOf(config, env)
  if (push !== undefined || config.web) return push
  const message = 'nothing would be served or pushed; allowed: true, or false with otlp.endpoint'
  throw new InvalidConfig([{ where: '', name: 'web', value: 'false', message }])
}

function pushOf(config: Config, env: NodeJS.ProcessEnv): OtlpConfig | undefined {
  const own = settings(config)
  try {
    const given = own.url === undefined && !hasEndpointVariable(env) ? own : { ...otlpEnvironment(env), ...own }
    if (given.url === undefined) return undefined
    const whole = { ...OTLP_DEFAULTS, ...given, url: given.url }
    // OpenTelemetry's default timeout fits its default interval; a shorter interval needs a shorter timeout.
    const exportTimeoutMs = given.exportTimeoutMs ?? Math.min(whole.exportTimeoutMs, whole.intervalMs)
    const push = { ...whole, exportTimeoutMs }
    checkOtlp(push)
    checkTtl(config['series.ttl'], push.intervalMs)
    resourceAttributes(env, '')
    return push
  } catch (error) {
    throw new InvalidConfig([{ where: '', name: 'otlp', message: (error as Error).message }])
  }
}

/** A push must see the last value of a series before the series expires. */
function checkTtl(ttlMs: number, intervalMs: number): void {
  if (ttlMs === 0 || ttlMs >= 2 * intervalMs) return
  throw new Error(`interval of ${intervalMs} ms with a series.ttl of ${ttlMs} ms: expected at most half of it`)
}

/** Other OTEL_* variables may be meant for other programs. */
function hasEndpointVariable(env: NodeJS.ProcessEnv): boolean {
  return Boolean(env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT)
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
