// SPDX-License-Identifier: Apache-2.0
/**
 * process.ts - process and runtime metrics: CPU, memory, file descriptors, event loop, heap, garbage collection.
 *
 * In:    nothing; prom-client reads /proc/self and node:perf_hooks.
 * Out:   exposition text in either format, appended to our own.
 * Never: lets prom-client write the text: a prom-client registry has one format, and switching it to the other renames
 *        its counters for good. Nothing else imports prom-client.
 *
 * prom-client is loaded on first use: commands that never serve a page save its 13 MB of resident memory.
 */
import { type Format, headOf } from '../exposition/format.js'
import { numberText } from '../exposition/number.js'
import { escapeLabel } from '../series/label-value.js'

/** Gauges named *_total, which promtool rejects. Each is the sum of the gauge of the same name without _total. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** A metric as prom-client returns it. `metricName` is set where samples have a name of their own. */
interface ClientMetric {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly values: readonly {
    readonly value: number
    readonly labels: Readonly<Partial<Record<string, string | number>>>
    readonly metricName?: string
  }[]
}

/** Returns a function that renders this process's metrics. Call once: prom-client's event loop monitor never stops. */
export async function processMetrics(): Promise<(format: Format) => Promise<string>> {
  const { collectDefaultMetrics, Registry } = await import('prom-client')
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  return async format => {
    const metrics = (await registry.getMetricsAsJSON()) as unknown as ClientMetric[]
    return metrics.map(metric => textOf(metric, format)).join('')
  }
}

function textOf({ name, help, type, values }: ClientMetric, format: Format): string {
  const lines = values.map(({ value, labels, metricName = name }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(String(text))}"`)
    return `${metricName}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${numberText(value)}\n`
  })
  return lines.length === 0 ? '' : headOf({ name, help, type }, format) + lines.join('')
}
