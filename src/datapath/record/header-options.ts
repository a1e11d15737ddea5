// SPDX-License-Identifier: Apache-2.0
/**
 * header-options.ts - walks the options of IPv4, TCP, hop-by-hop and Geneve headers.
 *
 * In:    a view, and where the options start and end; for IPv4 and TCP that is the end of the header.
 * Out:   the offset and length of an option. The caller decides what to do with an option that does not fit.
 */

/** gopacket refuses an IPv4 option of 2 bytes, which has no data. */
export const MIN_IPV4_OPTION = 3
export const MIN_TCP_OPTION = 2
const END_OF_OPTIONS = 0
const NO_OPERATION = 1
/** Hop-by-hop option Pad1, the only one without a length byte. */
const PAD1 = 0
const GENEVE_OPTION_HEADER = 4

/**
 * HOT: the offset of the first IPv4 or TCP option between `at` and `end` that is shorter than `minLength` or extends
 * past `end`; -1 when all fit. Guard: benches `reduce`, `reduce-workload`.
 */
export function malformedOption(view: DataView, at: number, end: number, minLength: number): number {
  for (let option = at; option < end; ) {
    const kind = view.getUint8(option)
    if (kind === END_OF_OPTIONS) return -1
    if (kind === NO_OPERATION) {
      option++
      continue
    }
    const length = option + 1 < end ? view.getUint8(option + 1) : 0
    if (length < minLength || option + length > end) return option
    option += length
  }
  return -1
}

/**
 * Calls `take` for each IPv4 or TCP option between `at` and `end`, the end-of-options byte included. All must fit; see
 * malformedOption(). Returns the offset after the last option, where padding starts.
 */
export function eachOption(
  view: DataView,
  at: number,
  end: number,
  take: (kind: number, option: number, length: number) => void,
): number {
  let option = at
  while (option < end) {
    const kind = view.getUint8(option)
    const length = kind === END_OF_OPTIONS || kind === NO_OPERATION ? 1 : view.getUint8(option + 1)
    take(kind, option, length)
    option += length
    if (kind === END_OF_OPTIONS) break
  }
  return option
}

/** Bytes of the IPv6 hop-by-hop option at `option`; extends past `end` if it is truncated. */
export function hopByHopOptionSize(view: DataView, option: number, end: number): number {
  if (option + 2 > end) return 2
  return view.getUint8(option) === PAD1 ? 1 : 2 + view.getUint8(option + 1)
}

/** Bytes of the Geneve option at `option`; extends past `end` if it is truncated. */
export function geneveOptionSize(view: DataView, option: number, end: number): number {
  if (option + GENEVE_OPTION_HEADER > end) return GENEVE_OPTION_HEADER
  return GENEVE_OPTION_HEADER + (view.getUint8(option + 3) & 0x0f) * 4
}
