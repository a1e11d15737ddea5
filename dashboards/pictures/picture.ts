/**
 * picture.ts - a board as an HTML page: its rows and panels in the layout of its JSON, drawn from answers.
 *
 * In:    the board's JSON, the titles of the rows to show, Prometheus' answers.
 * Out:   HTML without scripts, WIDTH pixels wide.
 * Fail:  an unknown kind of panel or unit is an error.
 */
import type { Answers, Range } from './answer.js'
import { type Drawing, escaped, type PanelModel } from './drawing.js'
import { drawGraph } from './graph.js'
import { drawHeat } from './heat.js'
import { drawLines } from './lines.js'
import { drawNumber } from './number.js'
import { drawTable } from './table.js'

export interface BoardModel {
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly panels: readonly PanelModel[]
}

export const WIDTH = 1000
const COLUMNS = 24
/** Height of a grid row, and the gap between panels, in pixels. */
const ROW = 30
const GAP = 8
const HEAD = 30
const PAD = 10

const DRAW: Readonly<Record<string, (drawing: Drawing) => string>> = {
  timeseries: drawLines,
  stat: drawNumber,
  table: drawTable,
  heatmap: drawHeat,
  nodeGraph: drawGraph,
}

const STYLE = `
body { margin: 0; width: ${WIDTH}px; background: #111217; color: #ccccdc; font: 12px "DejaVu Sans", sans-serif }
h1 { font-size: 17px; font-weight: 500; margin: 12px ${GAP}px 2px } p { margin: 0 ${GAP}px 6px; color: #8e8e99 }
section { position: relative } section > * { position: absolute; box-sizing: border-box; overflow: hidden }
h2 { font-size: 14px; font-weight: 500; margin: 0; padding: 8px ${GAP}px }
article { background: #181b1f; border: 1px solid #25282e; border-radius: 2px } h3 { font-size: 12px; font-weight: 500; margin: 0; padding: 7px ${PAD}px 0; height: ${HEAD - 7}px }
main { padding: 0 ${PAD}px } svg { display: block; font-size: 10.5px } .number { font-size: 24px }
.row { display: flex; gap: 8px; height: 17px; line-height: 17px; color: #8e8e99; font-size: 11px } .row i { width: 12px; height: 3px; margin-top: 7px }
.row b { flex: 1; font-weight: 400; white-space: nowrap; overflow: hidden } .row u { text-decoration: none; width: 90px; text-align: right }
table { width: 100%; border-collapse: collapse; font-size: 11.5px } th { text-align: left; font-weight: 500; color: #6e9fff } td, th { height: 24px; padding: 0 6px; border-bottom: 1px solid #25282e }
.none { color: #8e8e99; text-align: center; padding-top: 20px }`

export function pageOf(
  board: BoardModel,
  rows: readonly string[],
  answers: Readonly<Record<string, Answers>>,
  range: Range,
): string {
  const placed = laidOut(board.panels, rows)
  const bottom = Math.max(...placed.map(({ gridPos: { y, h } }) => y + h)) * ROW + GAP
  const panels = placed.map(panel => (panel.type === 'row' ? rowOf(panel) : panelOf(panel, answers, range)))
  const head = `<h1>${escaped(board.title)}</h1><p>${escaped(board.description)}</p>`
  return `<!doctype html><meta charset="utf-8"><style>${STYLE}</style>${head}<section style="height:${bottom}px">${panels.join('')}</section>`
}

/** The panels of these rows, moved up over the rows left out. */
function laidOut(panels: readonly PanelModel[], rows: readonly string[]): PanelModel[] {
  const placed: PanelModel[] = []
  let shown = false
  let hidden = 0
  for (const [i, panel] of panels.entries()) {
    const { gridPos } = panel
    if (panel.type === 'row') {
      shown = rows.includes(panel.title)
      const next = panels.slice(i + 1).find(({ type }) => type === 'row')
      if (!shown) hidden += (next?.gridPos.y ?? gridPos.y) - gridPos.y
    }
    if (shown) placed.push({ ...panel, gridPos: { ...gridPos, y: gridPos.y - hidden } })
  }
  return placed
}

function boxOf({ gridPos: { x, y, w, h } }: PanelModel) {
  const column = (WIDTH - GAP) / COLUMNS
  return { left: GAP + x * column, top: y * ROW, width: w * column - GAP, height: h * ROW - GAP }
}

function styleOf(panel: PanelModel): string {
  const { left, top, width, height } = boxOf(panel)
  return `left:${left}px;top:${top}px;width:${width}px;height:${height}px`
}

function rowOf(panel: PanelModel): string {
  const { left, top, width } = boxOf(panel)
  return `<h2 style="left:${left}px;top:${top}px;width:${width}px;height:${ROW}px">${escaped(panel.title)}</h2>`
}

function panelOf(panel: PanelModel, all: Readonly<Record<string, Answers>>, range: Range): string {
  const { width, height } = boxOf(panel)
  const draw = DRAW[panel.type]
  if (draw === undefined) throw new Error(`panel '${panel.title}' has unknown type ${panel.type}`)
  const answers = all[panel.id] ?? []
  const unit = panel.fieldConfig.defaults.unit ?? 'short'
  const inner = { panel, answers, range, unit, width: width - 2 * PAD - 2, height: height - HEAD - 6 }
  const empty = answers.every(series => series.length === 0)
  const body = empty ? '<div class="none">no data</div>' : draw(inner)
  return `<article style="${styleOf(panel)}"><h3>${escaped(panel.title)}</h3><main>${body}</main></article>`
}
