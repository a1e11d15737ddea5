/**
 * cardinality.ts - what a configuration costs in series: by family, and by each of its labels.
 *
 * In:    families that counted without a budget, and the budgets that they would have.
 * Out:   plain numbers, and the same as an aligned table.
 */
import type { Family } from '../series/family.js'
import { budgetOf, type MetricsConfig } from './metrics-config.js'

export interface FamilyCost {
  readonly family: string
  /** Series that it would have without a budget; lines in an exposition are more for histograms. */
  readonly series: number
  readonly budget: number
  /** Series past the budget: what they count goes to the overflow series. */
  readonly refused: number
  readonly labels: readonly LabelCost[]
}

export interface LabelCost {
  readonly label: string
  /** Different values that it has. */
  readonly values: number
  /** Series that the family would have without this label. */
  readonly seriesWithout: number
}

/** The dearest first; families without series last, by name. */
export function cardinality(families: readonly Family[], config: MetricsConfig): readonly FamilyCost[] {
  const costs = families.map(family => costOf(family, budgetOf(config, family.metric.name)))
  return costs.sort((a, b) => b.series - a.series || a.family.localeCompare(b.family))
}

function costOf(family: Family, budget: number): FamilyCost {
  const rows = Array.from({ length: family.size }, (_, row) => family.labels(row).map(([, value]) => value))
  const { name, labels } = family.metric
  return {
    family: name,
    series: rows.length,
    budget,
    refused: Math.max(0, rows.length - budget),
    labels: labels.map((label, column) => ({
      label,
      values: new Set(rows.map(row => row[column])).size,
      seriesWithout: new Set(rows.map(row => JSON.stringify(row.toSpliced(column, 1)))).size,
    })),
  }
}

/** Lines for people: families, then the labels of those that have series, those that save most first. */
export function cardinalityTable(costs: readonly FamilyCost[]): string {
  const families = costs.map(({ family, series, budget, refused }) => [family, series, budget, refused])
  const labels = costs
    .filter(({ series }) => series > 0)
    .flatMap(({ family, labels }) =>
      labels
        .toSorted((a, b) => a.seriesWithout - b.seriesWithout)
        .map(({ label, values, seriesWithout }) => [family, label, values, seriesWithout]),
    )
  return [
    aligned([['FAMILY', 'SERIES', 'BUDGET', 'REFUSED'], ...families]),
    aligned([['FAMILY', 'LABEL', 'VALUES', 'SERIES WITHOUT'], ...labels]),
  ].join('\n')
}

/** Words to the left, numbers to the right. */
function aligned(rows: readonly (readonly (string | number)[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => String(row[column]).length)))
  const isNumber = rows[0]!.map((_, column) => rows.length > 1 && typeof rows[1]![column] === 'number')
  const line = (row: readonly (string | number)[]) =>
    row.map((cell, i) => (isNumber[i] ? String(cell).padStart(widths[i]!) : String(cell).padEnd(widths[i]!))).join('  ')
  return rows.map(row => `${line(row).trimEnd()}\n`).join('')
}
