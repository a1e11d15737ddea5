/**
 * lines.ts - a time series panel: lines or stacked areas, and a legend with each line's last value and maximum.
 */
import type { Series } from './answer.js'
import { type Plot, stepOf, timeAxis, valueAxis } from './axis.js'
import { type Drawing, escaped, PALETTE, round, svg } from './drawing.js'
import { formatted } from './unit.js'

interface Line {
  readonly name: string
  readonly color: string
  readonly stacked: boolean
  /** By time; stacked lines add up on the lines before them. */
  readonly points: readonly (readonly [time: number, value: number, base: number])[]
  readonly last: number
  readonly max: number
}

const LEGEND_ROW = 17
const LEGEND_MOST = 4
const LEFT = 62

export function drawLines(drawing: Drawing): string {
  const lines = linesOf(drawing)
  const rows = Math.min(lines.length, LEGEND_MOST)
  const plotHeight = drawing.height - rows * LEGEND_ROW - 6
  const plot: Plot = { left: LEFT, top: 6, width: drawing.width - LEFT - 6, height: plotHeight - 28 }
  const highest = Math.max(0, ...lines.flatMap(({ points }) => points.map(([, value]) => value)))
  const step = stepOf(highest)
  const most = Math.max(step, Math.ceil((highest / step) * 0.999) * step)
  const axes = valueAxis(plot, step, most, drawing.unit) + timeAxis(plot, drawing)
  const drawn = lines.map(line => path(line, plot, most, drawing)).join('')
  return svg({ width: drawing.width, height: plotHeight }, axes + drawn) + legend(lines, drawing)
}

function linesOf({ panel, answers }: Drawing): Line[] {
  const named = answers.flatMap((series, i) =>
    series.map(each => ({ name: nameOf(each, panel.targets[i]?.legendFormat), points: finite(each) })),
  )
  const stacked = panel.fieldConfig.defaults.custom?.stacking?.mode === 'normal'
  const ordered = named
    .filter(({ points }) => points.length > 0)
    .sort((a, b) => Number(b.points.at(-1)![1]) - Number(a.points.at(-1)![1]))
  const below = new Map<number, number>()
  return ordered.map(({ name, points }, i) => ({
    name,
    color: PALETTE[i % PALETTE.length]!,
    stacked,
    last: points.at(-1)![1],
    max: Math.max(...points.map(([, value]) => value)),
    points: points.map(([time, value]) => {
      const base = stacked ? (below.get(time) ?? 0) : 0
      below.set(time, base + value)
      return [time, base + value, base] as const
    }),
  }))
}

function finite({ points }: Series): Series['points'] {
  return points.filter(([, value]) => Number.isFinite(value))
}

/** The legend with `{{label}}` filled in; without a format, the label values as in Grafana. */
function nameOf({ labels }: Series, format: string | undefined): string {
  if (format === undefined || format === '__auto') return Object.values(labels).join(' ') || 'Value'
  const name = format.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, each: string) => labels[each] ?? '').trim()
  return name || 'none'
}

function path(
  { points, color, stacked }: Line,
  { left, top, width, height }: Plot,
  most: number,
  { range }: Drawing,
): string {
  const x = (time: number) => round(left + ((time - range.from) / (range.to - range.from)) * width)
  const y = (value: number) => round(top + height * (1 - value / most))
  const over = points.map(([time, value]) => `${x(time)} ${y(value)}`).join('L')
  const under = [...points].reverse().map(([time, , base]) => `${x(time)} ${y(base)}`)
  const area = `<path d="M${over}L${under.join('L')}Z" fill="${color}" fill-opacity="${stacked ? 0.3 : 0.08}"/>`
  return `${area}<path d="M${over}" fill="none" stroke="${color}" stroke-width="1.5"/>`
}

function legend(lines: readonly Line[], { unit }: Drawing): string {
  const listed = lines.length > LEGEND_MOST ? lines.slice(0, LEGEND_MOST - 1) : lines
  const rows = listed.map(
    ({ name, color, last, max }) =>
      `<div class="row"><i style="background:${color}"></i><b>${escaped(name)}</b><u>${formatted(last, unit)}</u><u>max ${formatted(max, unit)}</u></div>`,
  )
  const more = lines.length - listed.length
  return rows.join('') + (more > 0 ? `<div class="row"><b>and ${more} more</b></div>` : '')
}
