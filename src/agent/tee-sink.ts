// SPDX-License-Identifier: Apache-2.0
/**
 * tee-sink.ts - a sink that forwards a source's records to two sinks.
 *
 * In:    records and counts of a source.
 * Out:   all of them to `first`; then the records, without the counts, to `second`. What one of them needs is asked for.
 */
import type { RecordSink } from '../datapath/record/decode.js'
import type { FlowSink } from '../datapath/source/source.js'

/** HOT: two calls per record. */
export function teeSink(first: FlowSink, second: RecordSink & Pick<FlowSink, 'showsDropPort'>): FlowSink {
  return {
    get showsDropPort() {
      return first.showsDropPort === true || second.showsDropPort === true
    },
    trace(record) {
      first.trace(record)
      second.trace(record)
    },
    drop(record) {
      first.drop(record)
      second.drop(record)
    },
    verdict(record) {
      first.verdict(record)
      second.verdict(record)
    },
    debug(record) {
      first.debug?.(record)
      second.debug?.(record)
    },
    capture(record) {
      first.capture?.(record)
      second.capture?.(record)
    },
    sock(record) {
      first.sock?.(record)
      second.sock?.(record)
    },
    overflowed: (name, packets, bytes) => first.overflowed(name, packets, bytes),
    unnamed: (hook, direction, packets, bytes) => first.unnamed(hook, direction, packets, bytes),
    unnamedDrops: (reason, packets, bytes) => first.unnamedDrops(reason, packets, bytes),
  }
}
