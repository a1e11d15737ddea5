/**
 * rules.ts - the rules of each set, and the thresholds they use.
 */
import { dropGroups } from './drop-rules.js'
import { exporterGroups } from './exporter-rules.js'
import { fileGroup } from './file-rules.js'
import { otlpGroup } from './otlp-rules.js'
import type { Group, Recording } from './rule.js'
import { tcpGroups } from './tcp-rules.js'
import { type NamespaceThresholds, THRESHOLDS, type ThresholdName, thresholdSeries } from './thresholds.js'
import { type Vocabulary, WEIR } from './vocabulary.js'

/** All groups but the thresholds. Their text does not depend on the thresholds' values. */
export function groupsOf(vocabulary: Vocabulary): Group[] {
  const shared = [...dropGroups(vocabulary), ...tcpGroups(vocabulary)]
  return vocabulary === WEIR ? [...shared, ...exporterGroups(), fileGroup(), otlpGroup()] : shared
}

/** The thresholds as recording rules; `namespaces` overrides single thresholds for single namespaces. */
export function thresholdGroup(namespaces: NamespaceThresholds = {}): Group {
  const names = Object.keys(THRESHOLDS) as ThresholdName[]
  const rules = names.flatMap((name): Recording[] => [
    { record: thresholdSeries(name), expr: `vector(${THRESHOLDS[name].value})` },
    ...Object.entries(namespaces[name] ?? {}).map(([namespace, value]) => ({
      record: thresholdSeries(name),
      expr: `vector(${value})`,
      labels: { namespace },
    })),
  ])
  return { name: 'weir-thresholds', rules }
}
