/**
 * dashboard-json.ts - the generated dashboards as JSON for tests: panels, queries, variables.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { generated } from '../../dashboards/generated.js'

export interface Query {
  readonly refId: string
  readonly expr: string
  readonly datasource: { readonly type: string; readonly uid: string }
}

export interface PanelJson {
  readonly type: string
  readonly id: number
  readonly title: string
  readonly description: string
  readonly datasource: Query['datasource']
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly fieldConfig: { readonly defaults: { readonly unit?: string; readonly noValue?: string } }
  readonly targets: readonly Query[]
}

export interface VariableJson {
  readonly name: string
  readonly type: string
  readonly label: string
  readonly multi: boolean
  readonly includeAll: boolean
  readonly allValue?: string
  readonly refresh?: number
  readonly query: string | { readonly query: string }
  readonly datasource?: Query['datasource']
}

export interface DashboardJson {
  readonly id: null
  readonly uid: string
  readonly title: string
  readonly tags: readonly string[]
  readonly editable: boolean
  readonly schemaVersion: number
  readonly timezone: string
  readonly refresh: string
  readonly graphTooltip: number
  readonly links: readonly {
    readonly tags: readonly string[]
    readonly includeVars: boolean
    readonly keepTime: boolean
  }[]
  readonly templating: { readonly list: readonly VariableJson[] }
  readonly panels: readonly PanelJson[]
}

export const OUT = fileURLToPath(new URL('../../dashboards/out/', import.meta.url))

/** The committed files, by name. */
export function committed(): ReadonlyMap<string, string> {
  return new Map(readdirSync(OUT).map(name => [name, readFileSync(`${OUT}${name}`, 'utf8')]))
}

/** The dashboards of both sets. */
export function dashboards(): readonly DashboardJson[] {
  const texts = [...generated()].filter(([name]) => name.endsWith('.json'))
  return texts.map(([, text]) => JSON.parse(text) as DashboardJson)
}

/** Panels with queries; rows have none. */
export function panelsOf(dashboard: DashboardJson): readonly PanelJson[] {
  return dashboard.panels.filter(({ type }) => type !== 'row')
}

/** A variable's query. */
export function queryOf({ query }: VariableJson): string {
  return typeof query === 'string' ? query : query.query
}

/** Expands variables as Grafana does; a variable without a value is an error. */
export function fill(expr: string, values: Readonly<Record<string, string>>): string {
  return expr.replaceAll(/\$([a-z_]\w*)/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`${expr}: no value for $${name}`)
    return value
  })
}
