// SPDX-License-Identifier: Apache-2.0
/**
 * format.ts - the two exposition formats, and the name, type and header lines of a family in each.
 *
 * Out:   content types; HELP, TYPE and UNIT lines; the last line of a page.
 *
 * Text 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 * OpenMetrics 1.0.0: https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
 */
import { baseName, type Metric, unitOf } from '../catalog/metric.js'

export type Format = 'text' | 'openmetrics'

export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** The last line of a page. */
export const TRAILERS: Readonly<Record<Format, string>> = { text: '', openmetrics: '# EOF\n' }

/** What the header lines need. prom-client's metrics have no more. */
export type MetricHead = Pick<Metric, 'name' | 'help'> & { readonly type: string }

/** The name of the family. In OpenMetrics only a counter's samples end in _total. */
export function familyName(metric: Pick<MetricHead, 'name' | 'type'>, format: Format): string {
  return format === 'openmetrics' ? baseName(metric) : metric.name
}

/** HELP and TYPE, and in OpenMetrics UNIT. */
export function headOf(metric: MetricHead, format: Format): string {
  const name = familyName(metric, format)
  const help = metric.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  if (format === 'text') return `# HELP ${name} ${help}\n# TYPE ${name} ${metric.type}\n`
  const unit = unitOf(metric)
  const unitLine = unit === undefined ? '' : `# UNIT ${name} ${unit}\n`
  return `# HELP ${name} ${help.replaceAll('"', '\\"')}\n# TYPE ${name} ${openMetricsType(metric)}\n${unitLine}`
}

/** OpenMetrics requires _total on a counter's samples; one without it is exposed as `unknown`, which every reader accepts. */
function openMetricsType(metric: MetricHead): string {
  return metric.type === 'counter' && baseName(metric) === metric.name ? 'unknown' : metric.type
}
