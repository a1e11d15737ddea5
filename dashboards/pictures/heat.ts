/**
 * heat.ts - a heatmap panel: the observations in each bucket of a histogram, over time.
 */
import { type Plot, timeAxis } from './axis.js'
import { type Drawing, label, round, svg } from './drawing.js'
import { formatted } from './unit.js'

const COLUMNS = 60
const LEFT = 62

export function drawHeat(drawing: Drawing): string {
  const { range, width, height, unit } = drawing
  const plot: Plot = { left: LEFT, top: 6, width: width - LEFT - 6, height: height - 28 }
  const cells = cellsOf(drawing)
  const most = Math.max(1e-9, ...cells.flatMap(({ counts }) => counts))
  const [cellWidth, cellHeight] = [plot.width / COLUMNS, plot.height / Math.max(1, cells.length)]
  const drawn = cells.flatMap(({ counts }, bucket) =>
    counts.map((count, column) => {
      if (count <= 0) return ''
      const at = `x="${round(plot.left + column * cellWidth)}" y="${round(plot.top + plot.height - (bucket + 1) * cellHeight)}"`
      const size = `width="${round(cellWidth - 1)}" height="${round(cellHeight - 1)}"`
      return `<rect ${at} ${size} fill="#ff9830" fill-opacity="${round(0.15 + 0.85 * (count / most) ** 0.5)}"/>`
    }),
  )
  const every = Math.ceil(cells.length / 8)
  const names = cells.map(({ bound }, bucket) => {
    if (bucket % every !== 0) return ''
    const text = bound === Number.POSITIVE_INFINITY ? 'more' : formatted(bound, unit)
    return label(plot.left - 6, plot.top + plot.height - bucket * cellHeight - cellHeight / 2 + 4, text, 'end')
  })
  return svg({ width, height }, drawn.join('') + names.join('') + timeAxis(plot, { ...drawing, range }))
}

/** From cumulative buckets to counts per bucket. Buckets that are always empty at the top and bottom are left out. */
function cellsOf({ answers, range }: Drawing): { bound: number; counts: number[] }[] {
  const series = [...(answers[0] ?? [])]
    .map(({ labels, points }) => ({
      bound: Number(labels.le?.replace('+Inf', 'Infinity')),
      upTo: columns(points, range),
    }))
    .sort((a, b) => a.bound - b.bound)
  const cells = series.map(({ bound, upTo }, i) => ({
    bound,
    counts: upTo.map((count, column) => Math.max(0, count - (series[i - 1]?.upTo[column] ?? 0))),
  }))
  const used = cells.map(({ counts }) => counts.some(count => count > 1e-9))
  return cells.slice(Math.max(0, used.indexOf(true) - 1), used.lastIndexOf(true) + 2)
}

/** The mean of the values in each column. */
function columns(points: Drawing['answers'][number][number]['points'], { from, to }: Drawing['range']): number[] {
  const sums = Array.from({ length: COLUMNS }, () => [0, 0] as [sum: number, n: number])
  for (const [time, value] of points) {
    if (!Number.isFinite(value)) continue
    const sum = sums[Math.min(COLUMNS - 1, Math.floor(((time - from) / (to - from)) * COLUMNS))]!
    sum[0] += value
    sum[1]++
  }
  return sums.map(([sum, n]) => (n === 0 ? 0 : sum / n))
}
