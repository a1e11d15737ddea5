/**
 * board.ts - a dashboard: variables, links that keep the selection, and rows of panels laid out from left to right.
 *
 * In:    a Board: plain data.
 * Out:   Grafana's JSON model, without an id. The uid never changes, because links and bookmarks use it.
 *
 * The output satisfies grafana/dashboard-linter (test/dashboards/lint.test.ts).
 */
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { builderOf, DATASOURCE, heightOf, type Panel, widthOf } from './panel.js'
import type { Scope } from './promql.js'
import type { Vocabulary } from './vocabulary.js'

export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

export interface Board {
  /** At most 40 characters; unique. */
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly vocabulary: Vocabulary
  /** Adds variables for namespace and workload, which the board's queries use. */
  readonly workloads: boolean
  readonly rows: readonly Row[]
}

/**
 * The targets selected by the variables. A scrape configuration may leave out the labels `cluster` and `node`, so "All"
 * also matches series without them.
 */
export const CHOSEN: Scope = {
  target: 'cluster=~"$cluster", job=~"$job", node=~"$node", instance=~"$instance"',
  window: '$__rate_interval',
}

/** The selected namespaces and workloads as source, and as destination. */
export const FROM_CHOSEN = { source_namespace: '=~"$namespace"', source_workload: '=~"$workload"' } as const
export const TO_CHOSEN = { destination_namespace: '=~"$namespace"', destination_workload: '=~"$workload"' } as const
/** The same by namespace only. */
export const FROM_NAMESPACE = { source_namespace: '=~"$namespace"' } as const
export const TO_NAMESPACE = { destination_namespace: '=~"$namespace"' } as const

const COLUMNS = 24
/** Matches every value, and a missing label. */
const ANY = '.*'
/** dashboard-linter requires this form for job and instance. */
const SOME = '.+'

/** The JSON model as file content. */
export function jsonOf(board: Board): string {
  const builder = new dashboard.DashboardBuilder(board.title)
    .uid(board.uid)
    .description(board.description)
    .tags([tagOf(board.vocabulary), 'ebpf', 'kubernetes', 'network'])
    .readonly()
    .timezone('browser')
    .refresh('30s')
    .time({ from: 'now-1h', to: 'now' })
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .link(linkToSet(board.vocabulary))
  for (const variable of variablesOf(board)) builder.withVariable(variable)
  layOut(builder, board.rows)
  return `${JSON.stringify({ ...builder.build(), id: null }, null, 2)}\n`
}

/** A link to another dashboard of the same set. Keeps the time range and the selection; Grafana expands the variables. */
export function linkTo(uid: string): string {
  return `/d/${uid}?\${__url_time_range}&\${datasource:queryparam}&\${cluster:queryparam}&\${job:queryparam}&\${node:queryparam}&\${instance:queryparam}`
}

/** A dropdown of all dashboards in the set. The SDK's default placement would hide it in a menu. */
function linkToSet(vocabulary: Vocabulary) {
  const { placement: _, ...link } = new dashboard.DashboardLinkBuilder(`${vocabulary.title} dashboards`)
    .type(dashboard.DashboardLinkType.Dashboards)
    .tags([tagOf(vocabulary)])
    .asDropdown(true)
    .includeVars(true)
    .keepTime(true)
    .build()
  return { build: () => link }
}

function tagOf(vocabulary: Vocabulary): string {
  return vocabulary.key === 'weir' ? 'weir' : 'weir-hubble'
}

/** Left to right, wrapping at the last column. Positions are explicit, so panels cannot overlap. */
function layOut(builder: dashboard.DashboardBuilder, rows: readonly Row[]): void {
  let y = 0
  let id = 1
  for (const row of rows) {
    builder.withRow(new dashboard.RowBuilder(row.title).id(id++).gridPos({ x: 0, y, w: COLUMNS, h: 1 }))
    y++
    let x = 0
    let tallest = 0
    for (const panel of row.panels) {
      const [w, h] = [widthOf(panel), heightOf(panel)]
      if (x + w > COLUMNS) {
        x = 0
        y += tallest
        tallest = 0
      }
      builder.withPanel(builderOf(panel).id(id++).gridPos({ x, y, w, h }))
      x += w
      tallest = Math.max(tallest, h)
    }
    y += tallest
  }
}

function variablesOf({ vocabulary, workloads }: Board) {
  const present = vocabulary.present.name
  const flows = vocabulary.sent.name
  const all = [
    new dashboard.DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
    variable('cluster', 'Cluster', `label_values(${present}, cluster)`, ANY),
    variable('job', 'Job', `label_values(${present}{cluster=~"$cluster"}, job)`, SOME),
    variable('node', 'Node', `label_values(${present}{cluster=~"$cluster", job=~"$job"}, node)`, ANY),
    variable(
      'instance',
      'Instance',
      `label_values(${present}{cluster=~"$cluster", job=~"$job", node=~"$node"}, instance)`,
      SOME,
    ),
  ]
  if (!workloads) return all
  return [
    ...all,
    variable('namespace', 'Namespace', `label_values(${flows}{${CHOSEN.target}}, source_namespace)`, ANY),
    variable(
      'workload',
      'Workload',
      `label_values(${flows}{${CHOSEN.target}, source_namespace=~"$namespace"}, source_workload)`,
      ANY,
    ),
  ]
}

function variable(name: string, label: string, query: string, everything: string) {
  return new dashboard.QueryVariableBuilder(name)
    .label(label)
    .datasource(DATASOURCE)
    .query({ query, refId: `variable-${name}` })
    .definition(query)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue(everything)
    .current({ selected: true, text: ['All'], value: ['$__all'] })
}
