/**
 * removal.ts - the series of a family without some of them: a new store that holds the rest.
 *
 * In:    a store of one family without histograms; which label values are to go.
 * Out:   a store with the other series and their values, in their order. Slots of the old one mean nothing there.
 * Never: keeps the overflow series: room is free again, and it begins anew, as after a restart.
 *
 * A copy, for the series store only grows: pods go rarely, and a copy of 10,000 series takes some 20 ms.
 */
import type { Metric } from '../exporter/catalog.js'
import { SeriesStore } from '../exporter/series.js'

const LABEL = /([a-z_]+)="((?:[^"\\]|\\.)*)"[,}]/y
const ESCAPES: Readonly<Record<string, string>> = { '\\\\': '\\', '\\"': '"', '\\n': '\n' }

export type Labels = Readonly<Record<string, string>>

/** Undefined when no series is to go. */
export function withoutSeries(
  store: SeriesStore,
  metric: Metric,
  goes: (labels: Labels) => boolean,
): SeriesStore | undefined {
  const family = store.family(metric)
  const rest = new SeriesStore()
  const copy = rest.family(metric)
  let gone = 0
  for (let row = 0; row < family.size; row++) {
    const text = Buffer.alloc(family.prefixLength(row))
    family.copyPrefix(row, 0, text, 0)
    const labels = parseLabels(text.toString(), metric.name.length + 1)
    const values = metric.labels.map(label => labels[label])
    if (values.includes(undefined)) continue
    if (goes(labels)) gone++
    else rest.set(copy.series(values as string[]), store.get(family.slot(row)))
  }
  return gone === 0 ? undefined : rest
}

/** Labels of `name{a="x",b="y"} `, from behind the brace. */
function parseLabels(text: string, from: number): Labels {
  const labels: Record<string, string> = {}
  LABEL.lastIndex = from
  for (let found = LABEL.exec(text); found !== null; found = LABEL.exec(text)) {
    labels[found[1]!] = found[2]!.replace(/\\[\\"n]/g, pair => ESCAPES[pair]!)
  }
  return labels
}
