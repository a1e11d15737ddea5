/**
 * reference.ts - docs/metrics.md: every metric of the catalogue for people who write queries.
 *
 * In:    the catalogue.
 * Out:   Markdown, a table a group.
 */

import { unitOf } from '../exposition/format.js'
import { M } from './catalog.js'
import { GROUPS, type Group, type Metric } from './metric.js'

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

Made from the catalogue (src/exporter/catalog/catalog.ts) by \`make docs\`; do not edit.

A group can be asked for, or left out, by a scrape: \`/metrics?collect[]=flow&collect[]=drop\` or \`/metrics?exclude[]=size\`.
Names are those of text 0.0.4. In OpenMetrics a counter's family has no \`_total\`, its samples do, and \`_created\` tells since
when a counter or histogram counts (\`--no-openmetrics.created\` leaves that out). A family past its budget of series counts
what has no room in one series with the only label \`otel_metric_overflow="true"\`.
`

/** Groups whose families are not in the catalogue. */
const ELSEWHERE: Readonly<Partial<Record<Group, string>>> = {
  hubble:
    'Off by default; `--hubble-metrics` chooses families and labels. [hubble-metrics.md](hubble-metrics.md) lists them.',
  process:
    'On by default; `--web.disable-exporter-metrics` leaves them out. `process_*` and `nodejs_*` as prom-client has them:\nCPU, memory, file descriptors, start time; event loop lag, heap, garbage collection, the version of Node.js.',
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
    ['| metric | type | unit | labels | what |', '| --- | --- | --- | --- | --- |', ...own.map(row)].join('\n')
  return `## ${TITLES[group]}\n\nGroup \`${group}\`.${group in ELSEWHERE ? ' ' : '\n\n'}${text}\n`
}

function row(metric: Metric): string {
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
