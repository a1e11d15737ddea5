/**
 * format.ts - the two texts that a page can be, and what each calls a family.
 *
 * Out:   content types; a family's name, type and unit; its head.
 *
 * Text 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 * OpenMetrics 1.0.0: https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
 */
import type { Metric } from '../catalog/metric.js'

export type Format = 'text' | 'openmetrics'

export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** The last line of a page. */
export const TRAILERS: Readonly<Record<Format, string>> = { text: '', openmetrics: '# EOF\n' }

const TOTAL = '_total'
const UNITS = ['seconds', 'bytes'] as const

/** What a head needs to know; prom-client's metrics have no more. */
export type MetricHead = Pick<Metric, 'name' | 'help'> & { readonly type: string }

/** The name of the family: OpenMetrics' counters leave _total to their samples. */
export function familyName({ name, type }: Pick<MetricHead, 'name' | 'type'>, format: Format): string {
  return format === 'openmetrics' && type === 'counter' && name.endsWith(TOTAL) ? name.slice(0, -TOTAL.length) : name
}

/** The unit that the name ends in, before any _total; undefined when it is a plain number. */
export function unitOf(metric: Pick<MetricHead, 'name' | 'type'>): string | undefined {
  const name = familyName(metric, 'openmetrics')
  return UNITS.find(unit => name.endsWith(`_${unit}`))
}

/** HELP and TYPE, and UNIT where OpenMetrics wants it. */
export function headOf(metric: MetricHead, format: Format): string {
  const name = familyName(metric, format)
  const help = metric.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  if (format === 'text') return `# HELP ${name} ${help}\n# TYPE ${name} ${metric.type}\n`
  const unit = unitOf(metric)
  const third = unit === undefined ? '' : `# UNIT ${name} ${unit}\n`
  return `# HELP ${name} ${help.replaceAll('"', '\\"')}\n# TYPE ${name} ${openMetricsType(metric)}\n${third}`
}

/** A counter must end in _total; one that does not is told as what any reader takes. */
function openMetricsType({ name, type }: MetricHead): string {
  return type === 'counter' && !name.endsWith(TOTAL) ? 'unknown' : type
}

const ESCAPED = /[\\"\n]/

/** A label value between its quotes, in either format: backslash, quote, line feed. Hardly any has one. */
export function escapeLabel(value: string): string {
  if (!ESCAPED.test(value)) return value
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
