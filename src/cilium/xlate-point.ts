// SPDX-License-Identifier: Apache-2.0
/**
 * xlate-point.ts - the xlate_point of a TraceSockNotify: before or after address translation, forward or reverse.
 *
 * Out:   the word that `cilium monitor` and `hubble observe` print (cilium/cilium pkg/monitor/api).
 */

const WORDS = ['unknown', 'pre-xlate-fwd', 'post-xlate-fwd', 'pre-xlate-rev', 'post-xlate-rev'] as const

export function xlatePointWord(point: number): string {
  return WORDS[point] ?? 'unknown'
}
