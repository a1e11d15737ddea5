/**
 * drawing.ts - the input of a panel's drawing, and the HTML and SVG that panels share.
 */
import type { Answers, Range } from './answer.js'

/** The fields of a panel's JSON that pictures use. */
export interface PanelModel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly fieldConfig: {
    readonly defaults: {
      readonly unit?: string
      readonly custom?: { readonly stacking?: { readonly mode: string } }
      readonly thresholds?: { readonly steps: readonly { readonly value: number | null; readonly color: string }[] }
    }
  }
  readonly transformations?: readonly {
    readonly options: {
      readonly indexByName?: Readonly<Record<string, number>>
      readonly renameByName?: Readonly<Record<string, string>>
    }
  }[]
  readonly targets: readonly { readonly expr: string; readonly legendFormat?: string; readonly instant?: boolean }[]
}

/** A panel with its data, and the size inside its frame in pixels. */
export interface Drawing {
  readonly panel: PanelModel
  readonly answers: Answers
  readonly range: Range
  readonly unit: string
  readonly width: number
  readonly height: number
}

export const PALETTE = [
  '#73bf69',
  '#f2cc0c',
  '#5794f2',
  '#ff9830',
  '#b877d9',
  '#f2495c',
  '#8ab8ff',
  '#c0d8ff',
  '#96d98d',
]
export const TEXT = '#ccccdc'
export const FAINT = '#8e8e99'
export const GRID = '#2c2f36'

/** The colour of the highest threshold that `value` reaches. */
export function colorOf({ fieldConfig }: PanelModel, value: number): string {
  const steps = fieldConfig.defaults.thresholds?.steps ?? []
  const step = steps.filter(each => each.value === null || value >= each.value).at(-1)
  return { green: '#73bf69', orange: '#ff9830', red: '#f2495c' }[step?.color ?? 'green'] ?? TEXT
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

export function svg({ width, height }: Pick<Drawing, 'width' | 'height'>, content: string): string {
  return `<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${content}</svg>`
}

export function label(x: number, y: number, text: string, anchor: 'start' | 'middle' | 'end' = 'start'): string {
  return `<text x="${round(x)}" y="${round(y)}" fill="${FAINT}" text-anchor="${anchor}">${escaped(text)}</text>`
}

export function round(value: number): number {
  return Math.round(value * 10) / 10
}

/** Time of day in UTC, from seconds since 1970. */
export function clock(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(11, 19)
}
