/**
 * xlate-point.ts - when a socket's address was translated: the xlate_point of a TraceSockNotify.
 *
 * Out:   the word of `cilium monitor` and `hubble observe` (cilium/cilium pkg/monitor/api).
 */

const WORDS = ['unknown', 'pre-xlate-fwd', 'post-xlate-fwd', 'pre-xlate-rev', 'post-xlate-rev'] as const

export function xlatePointWord(point: number): string {
  return WORDS[point] ?? 'unknown'
}
