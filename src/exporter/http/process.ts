/**
 * process.ts - process and runtime metrics: CPU, memory, file descriptors, event loop, heap, garbage collection.
 *
 * In:    nothing; prom-client reads /proc/self and node:perf_hooks.
 * Out:   exposition text of either format, to stand behind our own.
 * Never: is imported elsewhere for prom-client: this is its only door. Nor has it write text: a registry of
 *        prom-client has one format, and renames its counters for good when it is switched to the other.
 *
 * prom-client is loaded when first asked for: commands that never serve a page do not pay its 13 MB (resident).
 */
import { type Format, headOf } from '../exposition/format.js'
import { numberText } from '../exposition/number.js'
import { escapeLabel } from '../series/label-value.js'

/** Gauges whose names end in _total: promtool refuses them, and the same names without it add up to them. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** What prom-client tells of a metric; `metricName` where the samples have names of their own. */
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

/** A function that reads the metrics of this process now. Call it once: its event loop monitor never stops. */
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
