// SPDX-License-Identifier: Apache-2.0
/**
 * cardinality.ts - the number of series a configuration produces, by family and label.
 *
 * In:    families that counted without a budget, and the budgets to compare with.
 * Out:   plain numbers, and the same as an aligned table.
 */
import type { Family } from '../series/family.js'
import { budgetOf, type MetricsConfig } from './metrics-config.js'

export interface FamilyCost {
  readonly family: string
  /** Series without a budget. A histogram series is several lines in an exposition. */
  readonly series: number
  readonly budget: number
  /** Series past the budget, which the overflow series would count. */
  readonly refused: number
  readonly labels: readonly LabelCost[]
}

export interface LabelCost {
  readonly label: string
  /** Distinct values. */
  readonly values: number
  /** Series of the family without this label. */
  readonly seriesWithout: number
}

/** Most series first; families without series last, by name. */
export function cardinality(families: readonly Family[], config: MetricsConfig): readonly FamilyCost[] {
  const costs = families.map(family => costOf(family, budgetOf(config, family.metric.name)))
  return costs.sort((a, b) => b.series - a.series || a.family.localeCompare(b.family))
}

function costOf(family: Family, budget: number): FamilyCost {
  const series = Array.from({ length: family.size }, (_, at) => family.labels(at).map(([, value]) => value))
  const { name, labels } = family.metric
  return {
    family: name,
    series: series.length,
    budget,
    refused: Math.max(0, series.length - budget),
    labels: labels.map((label, column) => ({
      label,
      values: new Set(series.map(values => values[column])).size,
      seriesWithout: new Set(series.map(values => JSON.stringify(values.toSpliced(column, 1)))).size,
    })),
  }
}

/** A readable table: families, then the labels of those with series, the one that saves most first. */
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

/** Text left-aligned, numbers right-aligned. The first line is the heading. */
function aligned(lines: readonly (readonly (string | number)[])[]): string {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map(cells => String(cells[column]).length)))
  const isNumber = lines[0]!.map((_, column) => lines.length > 1 && typeof lines[1]![column] === 'number')
  const line = (cells: readonly (string | number)[]) =>
    cells
      .map((cell, i) => (isNumber[i] ? String(cell).padStart(widths[i]!) : String(cell).padEnd(widths[i]!)))
      .join('  ')
  return lines.map(cells => `${line(cells).trimEnd()}\n`).join('')
}
