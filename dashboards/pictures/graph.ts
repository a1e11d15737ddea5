/**
 * graph.ts - a node graph panel: workloads on an ellipse, and an arrow for each direction of traffic between two.
 */
import type { Series } from './answer.js'
import { type Drawing, escaped, FAINT, PALETTE, round, svg, TEXT } from './drawing.js'
import { formatted } from './unit.js'

interface Place {
  readonly x: number
  readonly y: number
}

const RADIUS = 21

/** The first target's series are nodes, the second's are edges. */
export function drawGraph({ answers, unit, width, height }: Drawing): string {
  const [nodes = [], edges = []] = answers
  const places = new Map(nodes.map(({ labels }, i) => [labels.id ?? '', placeOf(i / nodes.length, width, height)]))
  const most = Math.max(...edges.map(flowOf))
  const arrows = edges.map(edge => arrow(edge, places, most, unit)).join('')
  const circles = nodes.map(node => circle(node, places.get(node.labels.id ?? '')!, unit)).join('')
  return svg({ width, height }, `${HEAD}${arrows}${circles}`)
}

const HEAD = `<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8Z" fill="${FAINT}"/></marker></defs>`

function placeOf(share: number, width: number, height: number): Place {
  const angle = 2 * Math.PI * share
  return { x: width * (0.5 - 0.38 * Math.cos(angle)), y: (height - 26) * (0.5 - 0.4 * Math.sin(angle)) }
}

function flowOf({ points }: Series): number {
  return points.at(-1)?.[1] ?? 0
}

function arrow(edge: Series, places: ReadonlyMap<string, Place>, most: number, unit: string): string {
  const from = places.get(edge.labels.source ?? '')
  const to = places.get(edge.labels.target ?? '')
  if (from === undefined || to === undefined || from === to) return ''
  const length = Math.hypot(to.x - from.x, to.y - from.y)
  const [dx, dy] = [(to.x - from.x) / length, (to.y - from.y) / length]
  // The two directions of a pair bend to opposite sides.
  const bend = 14
  const [mx, my] = [(from.x + to.x) / 2 - dy * bend, (from.y + to.y) / 2 + dx * bend]
  const start = `${round(from.x + dx * RADIUS)} ${round(from.y + dy * RADIUS)}`
  const end = `${round(to.x - dx * (RADIUS + 3))} ${round(to.y - dy * (RADIUS + 3))}`
  const wide = round(1 + 3 * Math.sqrt(flowOf(edge) / most))
  const line = `<path d="M${start}Q${round(mx)} ${round(my)} ${end}" fill="none" stroke="#5c606b" stroke-width="${wide}" marker-end="url(#head)"/>`
  return `${line}<text x="${round(at(from.x, mx, to.x))}" y="${round(at(from.y, my, to.y) + 4)}" fill="${FAINT}" text-anchor="middle">${formatted(flowOf(edge), unit)}</text>`
}

/** A point a quarter of the way along a bent arrow, where arrows seldom cross. */
function at(from: number, middle: number, to: number): number {
  return 0.5625 * from + 0.375 * middle + 0.0625 * to
}

function circle(node: Series, { x, y }: Place, unit: string): string {
  const { title = '', subtitle = '' } = node.labels
  const ring = `<circle cx="${round(x)}" cy="${round(y)}" r="${RADIUS}" fill="#181b1f" stroke="${PALETTE[2]}" stroke-width="2"/>`
  const text = (dy: number, words: string, color: string) =>
    `<text x="${round(x)}" y="${round(y + dy)}" fill="${color}" text-anchor="middle">${escaped(words)}</text>`
  const value = text(4, formatted(flowOf(node), unit).replace(' ', ''), TEXT).replace('<text', '<text font-size="9"')
  return ring + value + text(RADIUS + 13, title || '(no workload)', TEXT) + text(RADIUS + 26, subtitle, FAINT)
}
