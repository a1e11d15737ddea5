/**
 * generated.ts - every generated file by name: the dashboards and rules of both sets.
 */
import { jsonOf } from './board.js'
import { drops } from './drops.js'
import { exporter } from './exporter.js'
import { overview } from './overview.js'
import { yamlOf } from './rule.js'
import { groupsOf, thresholdGroup } from './rules.js'
import { tcp } from './tcp.js'
import { HUBBLE, type Vocabulary, WEIR } from './vocabulary.js'
import { workload } from './workload.js'

/** The dashboards of one set. */
export function boardsOf(vocabulary: Vocabulary) {
  const shared = [overview, workload, drops, tcp].map(board => board(vocabulary))
  return vocabulary === WEIR ? [...shared, exporter] : shared
}

/** Text by file name. Each set has its own rules; both share the thresholds. */
export function generated(): ReadonlyMap<string, string> {
  const boards = [WEIR, HUBBLE].flatMap(boardsOf)
  return new Map([
    ...boards.map(board => [`${board.uid}.json`, jsonOf(board)] as const),
    ['weir-thresholds.yaml', yamlOf([thresholdGroup()])],
    ['weir-rules.yaml', yamlOf(groupsOf(WEIR))],
    ['weir-hubble-rules.yaml', yamlOf(groupsOf(HUBBLE))],
  ])
}
