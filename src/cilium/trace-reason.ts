/**
 * trace-reason.ts - why a packet was let through: the reason byte of a TraceNotify.
 *
 * Out:   the word of `cilium monitor` (cilium/cilium bpf/lib/trace.h, pkg/monitor/datapath_trace.go).
 */

const MASK = 0x7f
const WORDS = [
  'new',
  'established',
  'reply',
  'related',
  'reopened',
  'unknown',
  'srv6-encap',
  'srv6-decap',
  'encrypt-overlay',
] as const

/** `raw` is the whole byte: an unknown reason prints with its encrypted bit (0x80), as upstream does. */
export function traceReasonWord(raw: number): string {
  return WORDS[raw & MASK] ?? String(raw)
}
