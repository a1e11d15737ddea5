/**
 * exemplar-text.ts - an exemplar as OpenMetrics has it behind a bucket's value: ` # {labels} value seconds`.
 *
 * Fail:  labels of more than 128 characters would have readers refuse the page: such an exemplar is left out.
 *
 * https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md#exemplars
 */
import type { Exemplar } from '../series/exemplar.js'
import { escapeLabel } from '../series/label-value.js'
import { numberText } from './number.js'

/** Characters that the names and values of an exemplar may have together. */
const MOST_CHARACTERS = 128

/** Undefined when the labels are too long. */
export function exemplarText({ labels, value, timestamp }: Exemplar): Buffer | undefined {
  const characters = labels.reduce((sum, [name, text]) => sum + [...name].length + [...text].length, 0)
  if (characters > MOST_CHARACTERS) return undefined
  const pairs = labels.map(([name, text]) => `${name}="${escapeLabel(text)}"`).join(',')
  return Buffer.from(` # {${pairs}} ${numberText(value)} ${numberText(timestamp / 1000)}`)
}
