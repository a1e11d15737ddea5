/**
 * table.ts - a table panel: one row per series, largest value first, as many as fit.
 */
import { type Drawing, escaped } from './drawing.js'
import { formatted } from './unit.js'

const ROW = 25

export function drawTable({ panel, answers, unit, height }: Drawing): string {
  const { indexByName = {}, renameByName = {} } = panel.transformations?.[0]?.options ?? {}
  const columns = Object.keys(indexByName).filter(name => name in renameByName && name !== 'Value')
  const rows = (answers[0] ?? [])
    .map(({ labels, points }) => ({ labels, value: points.at(-1)![1] }))
    .sort((a, b) => b.value - a.value)
  const fit = Math.floor(height / ROW) - 1
  const heads = [...columns, 'Value'].map(name => `<th>${escaped(renameByName[name] ?? name)}</th>`)
  const lines = rows.slice(0, fit).map(({ labels, value }) => {
    const cells = columns.map(name => `<td>${escaped(labels[name] ?? '')}</td>`)
    return `<tr>${cells.join('')}<td class="value">${formatted(value, unit)}</td></tr>`
  })
  return `<table><tr>${heads.join('')}</tr>${lines.join('')}</table>`
}
