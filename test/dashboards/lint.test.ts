/**
 * lint.test.ts - the dashboards follow the rules of grafana/dashboard-linter and some of our own.
 */
import { parser } from '@prometheus-io/lezer-promql'
import t, { type Test } from 'tap'
import { generated } from '../../dashboards/generated.js'
import { H } from '../../dashboards/vocabulary.js'
import { M } from '../../src/exporter/catalog/catalog.js'
import {
  committed,
  type DashboardJson,
  dashboards,
  fill,
  type PanelJson,
  panelsOf,
  queryOf,
} from '../support/dashboard-json.js'

const DATASOURCE = { type: 'prometheus', uid: '${' + 'datasource}' }
const CONFIG_MAP_LIMIT = 1 << 20
const UID_LIMIT = 40
const METRICS = new Map([...Object.values(M), ...Object.values(H)].map(metric => [metric.name, metric]))
/** Metrics of the process and of the scrape, which the catalogue does not define. */
const FOREIGN = ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'scrape_duration_seconds', 'up']
/** Families that no dashboard and no rule uses, each with the reason. */
const UNUSED: Readonly<Record<string, string>> = {
  weir_inventory_reloads_total: 'the alert is on weir_inventory_last_reload_successful; the count is for debugging',
  weir_hubble_config_reloads_total: 'as weir_inventory_reloads_total',
  weir_hubble_flows_made_total: 'shows developers how well the cache of hubble_* keys works',
  weir_hubble_forgotten_total: 'as weir_hubble_flows_made_total',
  weir_interface_coverage_seconds: 'the alert is on weir_interfaces_pending; the figure is for debugging starts',
  weir_interface_attach_seconds_total: 'as weir_interface_coverage_seconds',
  weir_network_resyncs_total: 'nothing is missed: all links, addresses and routes are read again',
  weir_inter_zone_bytes_total: 'off by default',
  weir_series_budget: 'weir metrics --dry-run shows the use of budgets; the alert is on refused series',
  weir_series_expired_value_total: 'for sums over all time; the number of expired series is shown',
  weir_entity_ids_stale: 'stale names expire without action',
  weir_kubernetes_watch_last_event_timestamp_seconds:
    'weir_kubernetes_watch_age_seconds shows the same, independent of clock jumps',
  weir_kubernetes_synced: 'readiness depends on it',
  weir_kubernetes_lists_total: 'as weir_kubernetes_list_seconds_total',
  weir_kubernetes_list_seconds_total: 'lists are rare; the reasons of watch restarts are shown',
  weir_kubernetes_missed_deletions_total: 'corrected as they are found',
  weir_kubernetes_objects: 'weir_entities shows the entities made from them',
  weir_kubernetes_worker_restarts_total: 'the watch age shows the effect',
  weir_pod_ends_watched: 'an alert on weir_interface_bypassed shows where it is needed',
  weir_flow_api_refused_total: 'the refused client gets the reason',
  weir_excluded_packets_total: 'excluded by the operator',
  weir_excluded_bytes_total: 'as weir_excluded_packets_total',
  weir_hubble_deletions_refused_total: 'only with hubble_* metrics of many deleted pods',
  weir_entity_deletions_refused_total: 'only with 65,536 deletions within --entity-ttl',
}
const VARIABLES: Readonly<Record<string, string>> = {
  cluster: '.*',
  job: '.+',
  node: '.*',
  instance: '.+',
  namespace: '.*',
  workload: '.*',
  __rate_interval: '1m',
}

t.test('the committed files equal the generated ones, byte for byte', async t => {
  t.strictSame(Object.fromEntries(committed()), Object.fromEntries(generated()), 'run `make dashboards`')
})

t.test('uids are short and unique', async t => {
  const uids = dashboards().map(({ uid }) => uid)
  t.equal(new Set(uids).size, uids.length)
  for (const uid of uids) t.ok(uid.length <= UID_LIMIT && /^weir-[a-z-]+$/.test(uid), uid)
})

for (const dashboard of dashboards()) {
  t.test(dashboard.title, async t => {
    t.match(dashboard, {
      id: null,
      editable: false,
      schemaVersion: 42,
      timezone: 'browser',
      refresh: '30s',
      graphTooltip: 1,
    })
    t.ok(JSON.stringify(dashboard).length < CONFIG_MAP_LIMIT, 'fits a ConfigMap')
    t.notMatch(JSON.stringify(dashboard), '__inputs')
    t.match(dashboard.links, [{ includeVars: true, keepTime: true }], 'links keep the selection')
    t.ok(dashboard.links.every(({ tags }) => tags.every(tag => dashboard.tags.includes(tag))))
    variables(t, dashboard)
    layout(t, dashboard)
    for (const panel of panelsOf(dashboard)) panelRules(t, panel)
  })
}

t.test('each family appears in a dashboard or rule, or is listed as unused', async t => {
  const texts = [...generated().values()].join('\n')
  const names = [...METRICS.keys()].filter(name => !H_ONLY.has(name))
  const unused = names.filter(name => !new RegExp(`\\b${name}(_bucket|_count|_sum)?\\b`).test(texts))
  t.strictSame(unused.sort(), Object.keys(UNUSED).sort())
})
const H_ONLY = new Set<string>(Object.values(H).map(({ name }) => name))

function variables(t: Test, { templating }: DashboardJson): void {
  const byName = new Map(templating.list.map(variable => [variable.name, variable]))
  t.match(byName.get('datasource'), { type: 'datasource', label: 'Data source', query: 'prometheus' })
  for (const [name, label] of [
    ['job', 'Job'],
    ['instance', 'Instance'],
  ] as const) {
    t.match(byName.get(name), { label, multi: true, includeAll: true, allValue: '.+' }, name)
  }
  for (const variable of templating.list) {
    if (variable.type !== 'query') continue
    t.match(variable, { datasource: DATASOURCE, refresh: 2, multi: true, includeAll: true }, variable.name)
    const [, selector = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(queryOf(variable)) ?? []
    t.ok(label !== '' && isPromql(selector), `${variable.name}: ${queryOf(variable)}`)
  }
}

function layout(t: Test, { panels }: DashboardJson): void {
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length, 'ids are unique')
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
  )
  t.equal(new Set(cells).size, cells.length, 'no panels overlap')
  t.ok(
    panels.every(({ gridPos: { x, w } }) => x + w <= 24),
    'no panel extends past the last column',
  )
}

function panelRules(t: Test, panel: PanelJson): void {
  const { title, description, fieldConfig, targets, datasource } = panel
  t.ok(title && description.includes('?'), `${title}: its description is a question`)
  t.ok(fieldConfig.defaults.unit && fieldConfig.defaults.noValue, `${title}: has a unit and a text for no data`)
  t.strictSame(datasource, DATASOURCE)
  t.not(targets.length, 0)
  for (const target of targets) {
    t.strictSame(target.datasource, DATASOURCE)
    queryRules(t, `${title} ${target.refId}`, target.expr)
  }
}

function queryRules(t: Test, name: string, expr: string): void {
  t.ok(isPromql(expr), `${name}: ${expr}`)
  for (const [, metric = '', matchers = '', range] of expr.matchAll(/\b([a-z_]+)\{([^}]*)\}(\[[^\]]+\])?/g)) {
    const base = metric.replace(/_(bucket|count|sum)$/, '')
    const known = METRICS.get(metric) ?? METRICS.get(base)
    t.ok(known !== undefined || FOREIGN.includes(metric), `${name}: ${metric} is in the catalogue`)
    t.match(matchers, /job=~"\$job"/, `${name}: selects the job`)
    t.match(matchers, /instance=~"\$instance"/, `${name}: selects the instance`)
    t.notMatch(matchers, /[^~]"\$/, `${name}: multi-value variables use =~`)
    const counts = known?.type === 'counter' || known?.type === 'histogram' || metric.endsWith('_total')
    if (counts) t.equal(range, '[$__rate_interval]', `${name}: a counter is queried as a rate`)
  }
  t.not(
    /\b(rate|increase)\(/.test(expr.replaceAll(/\b(rate|increase)\([^()]*\[\$__rate_interval\]\)/g, '')),
    true,
    name,
  )
}

/** Checks the grammar only; Prometheus checks types. */
function isPromql(expr: string): boolean {
  let good = true
  parser.parse(fill(expr, VARIABLES)).iterate({
    enter: node => {
      if (node.type.isError) good = false
    },
  })
  return good
}
