/**
 * dashboard-queries.test.ts - every query of every panel and variable finds data in a Prometheus that scrapes a live lab.
 */
import t, { type Test } from 'tap'
import { type DashboardJson, dashboards, fill, panelsOf, queryOf } from '../support/dashboard-json.js'
import type { Prometheus } from '../support/prometheus.js'
import { until } from '../support/until.js'
import { watchedDemo } from '../support/watched-demo.js'
import { ROOT } from '../support/watched-lab.js'

/** "All", except for the namespace and workload in question, which have traffic of every kind. */
const VARIABLES: Readonly<Record<string, string>> = {
  cluster: '.*',
  job: '.+',
  node: '.*',
  instance: '.+',
  namespace: '.*',
  workload: '.*',
  __rate_interval: '30s',
}
const MINUTE_MS = 60_000

t.test('every panel has data after a minute of traffic', ROOT, async t => {
  const prometheus = await watchedDemo(t, error => t.error(error))
  for (const dashboard of dashboards()) {
    await t.test(dashboard.title, async t => {
      for (const [name, expr] of queriesOf(dashboard)) await finds(t, prometheus, name, fill(expr, VARIABLES))
    })
  }
})

async function finds(t: Test, prometheus: Prometheus, name: string, expr: string): Promise<void> {
  const found = await until(name, async () => (await prometheus.values(expr)).length > 0, MINUTE_MS).catch(() => false)
  t.ok(found, `${name}: ${expr}`)
}

function queriesOf(dashboard: DashboardJson): readonly (readonly [string, string])[] {
  const panels = panelsOf(dashboard).flatMap(({ title, targets }) =>
    targets.map(({ refId, expr }) => [`${title} ${refId}`, expr] as const),
  )
  const variables = dashboard.templating.list.filter(({ type }) => type === 'query')
  return [
    ...variables.map(variable => [`variable ${variable.name}`, labelValues(queryOf(variable))] as const),
    ...panels,
  ]
}

/** `label_values(selector, label)` is Grafana's; what it asks Prometheus comes to this. */
function labelValues(question: string): string {
  const [, selector = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(question) ?? []
  return `count by (${label}) (${selector.includes('{') ? selector.replace('{', `{${label}!="", `) : `${selector}{${label}!=""}`})`
}
