/**
 * axis.ts - the axes of a plot: grid lines at round values from 0 on, and times below.
 */
import { clock, type Drawing, GRID, label, round } from './drawing.js'
import { formatted } from './unit.js'

/** The area of the points, in pixels. */
export interface Plot {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

const LINES = 4
const TIMES = 4

/** The smallest of 1, 2 or 5 times a power of ten with which LINES steps reach `most`. */
export function stepOf(most: number): number {
  const rough = (most || 1) / LINES
  const power = 10 ** Math.floor(Math.log10(rough))
  return ([1, 2, 5, 10].find(n => n * power >= rough * 0.999) ?? 10) * power
}

export function valueAxis({ left, top, width, height }: Plot, step: number, most: number, unit: string): string {
  const lines: string[] = []
  for (let i = 0; i * step <= most * 1.001; i++) {
    const y = round(top + height * (1 - (i * step) / most))
    lines.push(
      `<path d="M${left} ${y}H${left + width}" stroke="${GRID}"/>${label(left - 6, y + 4, formatted(i * step, unit), 'end')}`,
    )
  }
  return lines.join('')
}

export function timeAxis({ left, top, width, height }: Plot, { range }: Drawing): string {
  const texts: string[] = []
  for (let i = 0; i < TIMES; i++) {
    const share = (i + 0.5) / TIMES
    const time = range.from + share * (range.to - range.from)
    texts.push(label(left + share * width, top + height + 15, clock(time), 'middle'))
  }
  return texts.join('')
}
