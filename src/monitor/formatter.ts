// SPDX-License-Identifier: Apache-2.0
/**
 * formatter.ts - formats raw records for `weir monitor`, as `cilium monitor` prints them.
 *
 * In:    records of any source: a recording, a ring, a socket; the CPU that wrote each.
 * Out:   text with its line ends; the empty string for records that filters or verbosity omit.
 * Fail:  an unknown record is printed as its bytes, a damaged one as an error line; the decoder counts both.
 */
import { Notify } from '../datapath/record/abi.js'
import {
  type CaptureRecord,
  type DebugRecord,
  Decoder,
  type DropRecord,
  type RecordSink,
  type SockRecord,
  type TraceRecord,
  type VerdictRecord,
} from '../datapath/record/decode.js'
import { captureText } from './capture-line.js'
import { debugText, sockText } from './debug-line.js'
import { dropText } from './drop-line.js'
import type { Filter } from './filter.js'
import { Span } from './layers/span.js'
import { cpuPrefix, type Style } from './style.js'
import { traceText } from './trace-line.js'
import { verdictText } from './verdict-line.js'

const LOW_16 = 0xffff

export class Formatter implements RecordSink {
  /** Counts decoded records and decode faults. */
  readonly decoder: Decoder = new Decoder()
  readonly #style: Style
  readonly #filter: Filter
  #prefix = ''
  /** Text of the last record; undefined when the decoder refused it. */
  #text: string | undefined

  constructor(style: Style, filter: Filter) {
    this.#style = style
    this.#filter = filter
  }

  /** The text of a record: `size` bytes at `at`, written on `cpu`. */
  record(view: DataView, at: number, size: number, cpu: number): string {
    this.#prefix = cpuPrefix(cpu)
    this.#text = undefined
    const { type, version } = this.decoder.faults
    this.decoder.record(view, at, size, this)
    if (this.#text !== undefined) return this.#text
    if (size === 0) return 'cannot decode an empty record\n'
    if (this.decoder.faults.type > type)
      return `${this.#prefix} Unknown event: [${new Span(view, at, size).bytes().join(' ')}]\n`
    const reason = this.decoder.faults.version > version ? 'unknown version' : `length ${size} is too short`
    return `cannot decode message type '${view.getUint8(at)}': ${reason}\n`
  }

  /** Reports events lost because the kernel's ring was full. */
  lost(events: number, cpu: number): string {
    return `${cpuPrefix(cpu)} Lost ${events} events\n`
  }

  trace(record: TraceRecord): void {
    if (this.#admits(Notify.trace, record.source, record.dstId))
      this.#text = traceText(record, this.#style, this.#prefix)
  }

  drop(record: DropRecord): void {
    if (this.#admits(Notify.drop, record.source, record.dstId)) this.#text = dropText(record, this.#style, this.#prefix)
  }

  verdict(record: VerdictRecord): void {
    if (this.#admits(Notify.policyVerdict, record.source, record.remoteLabel))
      this.#text = verdictText(record, this.#style)
  }

  debug(record: DebugRecord): void {
    if (this.#admits(Notify.debug, record.source, 0)) this.#text = debugText(record, this.#style, this.#prefix)
  }

  capture(record: CaptureRecord): void {
    if (this.#admits(Notify.capture, record.source, 0)) this.#text = captureText(record, this.#style, this.#prefix)
  }

  /** Never filtered: the record has no endpoints, and upstream ignores its type too. */
  sock(record: SockRecord): void {
    this.#text = sockText(record, this.#style, this.#prefix)
  }

  #admits(type: number, source: number, destination: number): boolean {
    this.#text = ''
    return this.#filter.admits(type, source, destination & LOW_16)
  }
}
