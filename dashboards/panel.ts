/**
 * panel.ts - the kinds of panel, each with its question, unit and thresholds, made with Grafana's own builders.
 *
 * In:    a Panel: plain data.
 * Out:   builders of @grafana/grafana-foundation-sdk, which produce Grafana's JSON.
 */
import * as common from '@grafana/grafana-foundation-sdk/common'
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import * as heatmap from '@grafana/grafana-foundation-sdk/heatmap'
import * as nodegraph from '@grafana/grafana-foundation-sdk/nodegraph'
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus'
import * as stat from '@grafana/grafana-foundation-sdk/stat'
import * as table from '@grafana/grafana-foundation-sdk/table'
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries'

/** One query, and the format of its series' legend. */
export interface Target {
  readonly expr: string
  readonly legend?: string
}

/** The values from which a panel turns orange, and red. */
export interface Steps {
  readonly warn: number
  readonly bad: number
}

interface Base {
  readonly title: string
  /** The question that the panel answers; shown as its description. */
  readonly question: string
  /** Grafana's id of the unit. */
  readonly unit: string
  readonly targets: readonly Target[]
  /** Of 24 columns; 12 by default. */
  readonly width?: number
  readonly height?: number
  readonly thresholds?: Steps
}

/** Columns of a table: label to heading. */
export type Columns = Readonly<Record<string, string>>

export type Panel =
  | (Base & { readonly kind: 'lines'; readonly stack?: boolean })
  | (Base & { readonly kind: 'number' })
  | (Base & { readonly kind: 'table'; readonly columns: Columns; readonly linkTo?: string })
  | (Base & { readonly kind: 'heatmap' })
  | (Base & { readonly kind: 'graph' })

/** Lines over time: the most common panel. */
export function lines(title: string, question: string, unit: string, ...targets: Target[]): Panel & { kind: 'lines' } {
  return { kind: 'lines', title, question, unit, targets }
}

/** Every panel and query uses the datasource selected by the dashboard's variable. */
export const DATASOURCE = { type: 'prometheus', uid: `\${datasource}` } as const
/** Shown by a panel without data. */
const NO_DATA = 'no data'
const HEIGHT = { lines: 8, number: 4, table: 9, heatmap: 8, graph: 14 } as const
const WIDTH = 12

export function heightOf(panel: Panel): number {
  return panel.height ?? HEIGHT[panel.kind]
}

export function widthOf(panel: Panel): number {
  return panel.width ?? WIDTH
}

export function builderOf(panel: Panel) {
  switch (panel.kind) {
    case 'lines':
      return linesBuilder(panel)
    case 'number':
      return numberBuilder(panel)
    case 'table':
      return tableBuilder(panel)
    case 'heatmap':
      return heatBuilder(panel)
    case 'graph':
      return graphBuilder(panel)
  }
}

function linesBuilder(panel: Extract<Panel, { kind: 'lines' }>) {
  const builder = new timeseries.PanelBuilder()
    .unit(panel.unit)
    .min(0)
    .fillOpacity(panel.stack ? 30 : 8)
    .showPoints(common.VisibilityMode.Never)
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.Table)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(['lastNotNull', 'max']),
    )
    .tooltip(
      new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending),
    )
    .thresholds(steps(panel.thresholds))
    .noValue(NO_DATA)
  if (panel.stack) builder.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal))
  if (panel.thresholds) {
    builder.thresholdsStyle(
      new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.DashedAndArea),
    )
  }
  return finished(builder, panel, 'range')
}

function numberBuilder(panel: Extract<Panel, { kind: 'number' }>) {
  const builder = new stat.PanelBuilder()
    .unit(panel.unit)
    .thresholds(steps(panel.thresholds))
    .colorMode(panel.thresholds ? common.BigValueColorMode.Background : common.BigValueColorMode.Value)
    .graphMode(common.BigValueGraphMode.Area)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(false))
    .noValue(NO_DATA)
  return finished(builder, panel, 'range')
}

/** Columns in the given order and with the given headings, the value last. Other labels are hidden. */
function tableBuilder(panel: Extract<Panel, { kind: 'table' }>) {
  const names = Object.keys(panel.columns)
  const builder = new table.PanelBuilder()
    .unit(panel.unit)
    .thresholds(steps(panel.thresholds))
    .noValue(NO_DATA)
    .filterable(true)
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: { Time: true },
        indexByName: Object.fromEntries([...names, 'Value'].map((name, index) => [name, index])),
        renameByName: panel.columns,
      },
    })
    .sortBy([new common.TableSortByFieldStateBuilder().displayName(panel.columns.Value ?? 'Value').desc(true)])
  if (panel.linkTo !== undefined) {
    builder.dataLinks([
      new dashboard.DashboardLinkBuilder('Namespace and workload').url(panel.linkTo).targetBlank(false),
    ])
  }
  return finished(builder, panel, 'table')
}

function heatBuilder(panel: Extract<Panel, { kind: 'heatmap' }>) {
  const builder = new heatmap.PanelBuilder()
    .unit(panel.unit)
    .calculate(false)
    .color(new heatmap.HeatmapColorOptionsBuilder().mode(heatmap.HeatmapColorMode.Scheme).scheme('Oranges').steps(64))
    .yAxis(new heatmap.YAxisConfigBuilder().unit(panel.unit))
    .showLegend()
    .noValue(NO_DATA)
  return finished(builder, panel, 'heatmap')
}

/** Two tables, as Grafana's node graph expects: nodes (id, title, mainstat), then edges (id, source, target, mainstat). */
function graphBuilder(panel: Extract<Panel, { kind: 'graph' }>) {
  const builder = new nodegraph.PanelBuilder()
    .unit(panel.unit)
    .noValue(NO_DATA)
    .nodes(new nodegraph.NodeOptionsBuilder().mainStatUnit(panel.unit))
    .edges(new nodegraph.EdgeOptionsBuilder().mainStatUnit(panel.unit))
    .withTransformation({
      id: 'organize',
      options: { excludeByName: { Time: true }, renameByName: { Value: 'mainstat' } },
    })
  return finished(builder, panel, 'table')
}

interface CommonBuilder {
  title(text: string): this
  description(text: string): this
  datasource(ref: common.DataSourceRef): this
  withTarget(target: prometheus.DataqueryBuilder): this
  span(width: number): this
  height(rows: number): this
}

function finished<B extends CommonBuilder>(builder: B, panel: Panel, format: 'range' | 'table' | 'heatmap'): B {
  builder
    .title(panel.title)
    .description(panel.question)
    .datasource(DATASOURCE)
    .span(widthOf(panel))
    .height(heightOf(panel))
  panel.targets.forEach((target, i) => {
    builder.withTarget(query(target, String.fromCharCode('A'.charCodeAt(0) + i), format))
  })
  return builder
}

function query({ expr, legend }: Target, refId: string, format: 'range' | 'table' | 'heatmap') {
  const builder = new prometheus.DataqueryBuilder().refId(refId).datasource(DATASOURCE).expr(expr)
  if (format === 'table') return builder.instant().format(prometheus.PromQueryFormat.Table)
  builder.range().legendFormat(format === 'heatmap' ? '{{le}}' : (legend ?? '__auto'))
  return format === 'heatmap' ? builder.format(prometheus.PromQueryFormat.Heatmap) : builder
}

/** Green, then orange and red at the thresholds; without thresholds, green only. */
function steps(thresholds: Steps | undefined) {
  const levels: dashboard.Threshold[] = [{ value: null, color: 'green' }]
  if (thresholds) levels.push({ value: thresholds.warn, color: 'orange' }, { value: thresholds.bad, color: 'red' })
  return new dashboard.ThresholdsConfigBuilder().mode(dashboard.ThresholdsMode.Absolute).steps(levels)
}
