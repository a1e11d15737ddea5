/**
 * number.ts - a stat panel: the last value in large type over a sparkline.
 */
import { colorOf, type Drawing, round, svg } from './drawing.js'
import { formatted } from './unit.js'

/** Height of the sparkline, as a share of the panel's. */
const SPARKLINE = 0.45

export function drawNumber({ panel, answers, unit, width, height, range }: Drawing): string {
  const points = answers[0]?.[0]?.points.filter(([, value]) => Number.isFinite(value)) ?? []
  const last = points.at(-1)?.[1]
  if (last === undefined) return '<div class="none">no data</div>'
  const color = colorOf(panel, last)
  const most = Math.max(...points.map(([, value]) => value)) || 1
  const line = points.map(([time, value]) => {
    const x = round(((time - range.from) / (range.to - range.from)) * width)
    return `${x} ${round(height - (value / most) * height * SPARKLINE)}`
  })
  const area = `M${line.join('L')}L${width} ${height}L${line[0]!.split(' ')[0]} ${height}Z`
  const text = `<text x="${width / 2}" y="${height / 2 + 4}" class="number" fill="${color}" text-anchor="middle">${formatted(last, unit)}</text>`
  return svg({ width, height }, `<path d="${area}" fill="${color}" fill-opacity="0.15"/>${text}`)
}
