// SPDX-License-Identifier: Apache-2.0
/**
 * reference.ts - docs/metrics.md: every metric of the catalog, for people who write queries.
 *
 * In:    the catalog.
 * Out:   Markdown, one table for each group.
 */

import { M } from './catalog.js'
import { GROUPS, type Group, type Metric, unitOf } from './metric.js'

const TITLES: Readonly<Record<Group, string>> = {
  flow: 'Packets and bytes',
  connection: 'Connections',
  drop: 'Drops',
  tcp: 'TCP',
  icmp: 'ICMP',
  policy: 'Policy verdicts',
  size: 'Packet sizes',
  hubble: "Hubble's metrics",
  self: 'Weir itself',
  kubernetes: 'Kubernetes watch',
  process: 'Process and runtime',
}

const INTRODUCTION = `# Metrics

Generated from the catalog (src/exporter/catalog/catalog.ts) by \`make docs\`; do not edit.

A scrape can select or exclude groups: \`/metrics?collect[]=flow&collect[]=drop\` or \`/metrics?exclude[]=size\`.
Names are those of the text format 0.0.4. In OpenMetrics the name of a counter family has no \`_total\`, only its samples do,
and \`_created\` is the time when a counter or histogram started (\`--no-openmetrics.created\` leaves it out). Once a family
is at its budget of series, one overflow series with the only label \`otel_metric_overflow="true"\` counts for all further ones.
`

/** Groups with families outside the catalog. */
const ELSEWHERE: Readonly<Partial<Record<Group, string>>> = {
  hubble:
    'Off by default; `--hubble-metrics` selects families and labels. [hubble-metrics.md](hubble-metrics.md) lists them.',
  process:
    'On by default; `--web.disable-exporter-metrics` turns them off. `process_*` and `nodejs_*` from prom-client:\nCPU, memory, file descriptors and start time; event loop lag, heap, garbage collection and the Node.js version.',
}

/** The whole page. */
export function reference(): string {
  const metrics = Object.values<Metric>(M)
  return [INTRODUCTION, ...GROUPS.map(group => section(group, metrics))].join('\n')
}

function section(group: Group, metrics: readonly Metric[]): string {
  const own = metrics.filter(metric => metric.group === group)
  const text =
    ELSEWHERE[group] ??
    ['| metric | type | unit | labels | description |', '| --- | --- | --- | --- | --- |', ...own.map(tableRow)].join(
      '\n',
    )
  return `## ${TITLES[group]}\n\nGroup \`${group}\`.${group in ELSEWHERE ? ' ' : '\n\n'}${text}\n`
}

function tableRow(metric: Metric): string {
  const { name, type, labels, help, buckets } = metric
  const bounds = buckets === undefined ? '' : ` Buckets: ${buckets.join(', ')}.`
  const cells = [
    `\`${name}\``,
    type,
    unitOf(metric) ?? '',
    labels.map(label => `\`${label}\``).join(' '),
    help + bounds,
  ]
  return `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
}
