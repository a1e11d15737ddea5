/**
 * header-options.ts - the options of an IPv4 or TCP header: whether their lengths fit.
 *
 * In:    the bytes between the fixed header and the end of the header, all inside the view.
 * Out:   the offset of the first option that does not fit.
 */

/** gopacket refuses an IPv4 option of 2 bytes, which has no data. */
export const MIN_IPV4_OPTION = 3
export const MIN_TCP_OPTION = 2
const END_OF_OPTIONS = 0
const NO_OPERATION = 1

/**
 * HOT: the offset of the first option between `at` and `end` that is shorter than `minLength` or longer than the header;
 * -1 when all fit. Guard: benches `reduce`, `reduce-workload`.
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
