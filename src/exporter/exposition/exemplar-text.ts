// SPDX-License-Identifier: Apache-2.0
/**
 * exemplar-text.ts - an exemplar in OpenMetrics, after a bucket's value: ` # {labels} value seconds`.
 *
 * Fail:  an exemplar with more than 128 label characters is left out: parsers would reject the whole page.
 *
 * https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md#exemplars
 */
import type { Exemplar } from '../series/exemplar.js'
import { escapeLabel } from '../series/label-value.js'
import { numberText } from './number.js'

/** Maximum characters of an exemplar's label names and values together. */
const MAX_CHARACTERS = 128

/** Undefined when the labels are too long. */
export function exemplarText({ labels, value, timestamp }: Exemplar): Buffer | undefined {
  const characters = labels.reduce((sum, [name, text]) => sum + [...name].length + [...text].length, 0)
  if (characters > MAX_CHARACTERS) return undefined
  const pairs = labels.map(([name, text]) => `${name}="${escapeLabel(text)}"`).join(',')
  return Buffer.from(` # {${pairs}} ${numberText(value)} ${numberText(timestamp / 1000)}`)
}
