// SPDX-License-Identifier: Apache-2.0
/**
 * trace-reason.ts - the reason byte of a TraceNotify: the connection tracking state of the packet, or SRv6 or encryption.
 *
 * Out:   the word that `cilium monitor` prints (cilium/cilium bpf/lib/trace.h, pkg/monitor/datapath_trace.go).
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

/** `raw` is the whole byte. An unknown reason prints as a number including the encrypted bit (0x80), as upstream. */
export function traceReasonWord(raw: number): string {
  return WORDS[raw & MASK] ?? String(raw)
}
