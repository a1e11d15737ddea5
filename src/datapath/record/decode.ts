// SPDX-License-Identifier: Apache-2.0
/**
 * decode.ts - decodes frames or single records to reusable windows, one for each kind.
 *
 * In:    frames (u32 size, then `size` bytes, back to back) as drain() and flush() deliver them, or a
 *        record of a recording. perf pads, so a record may be up to 7 bytes longer than its content.
 * Out:   one call of the sink for each record; the window is valid until the sink returns.
 * Fail:  a bad record is counted by fault and skipped; the decoder never throws.
 *        Records in = sum of counts + sum of faults.
 */
import { DROP, HDR, Notify, TRACE, WEIR_DROP, WEIR_EXT, WEIR_TRACE } from './abi.js'
import { CAPTURE_LENGTH, CaptureRecord } from './capture-record.js'
import { DEBUG_LENGTH, DebugRecord } from './debug-record.js'
import { DropRecord } from './drop-record.js'
import type { RecordWindow } from './record.js'
import { SOCK_PACKED, SockRecord } from './sock-record.js'
import { TraceRecord } from './trace-record.js'
import { VerdictRecord } from './verdict-record.js'

export type { CaptureRecord, DebugRecord, DropRecord, RecordWindow, SockRecord, TraceRecord, VerdictRecord }

/** frame: longer than its batch; short: shorter than its fixed part; type, version: unknown. */
export type Fault = 'frame' | 'short' | 'type' | 'version'
export type Kind = 'trace' | 'drop' | 'policyVerdict' | 'debug' | 'capture' | 'traceSock'

export interface RecordSink {
  trace(record: TraceRecord): void
  drop(record: DropRecord): void
  verdict(record: VerdictRecord): void
  /** The decoder counts records also when the sink lacks a method. */
  debug?(record: DebugRecord): void
  capture?(record: CaptureRecord): void
  sock?(record: SockRecord): void
}

/** Fixed length by version byte. Cilium writes drop versions 0 and 1 alike. */
const TRACE_LENGTH = [32, 48, TRACE.size] as const
const DROP_LENGTH = [36, 36, 40, DROP.size] as const
const VERDICT_OLD = 32
const VERDICT_NEW = 40
const VERDICT_VERSION = 1
const FRAME_HEADER = 4
/** perf rounds a record up to 8 bytes, its own u32 length included. */
const MAX_PADDING = 7

export class Decoder {
  /** Records skipped. */
  readonly faults: Record<Fault, number> = { frame: 0, short: 0, type: 0, version: 0 }
  /** Valid records, whether or not the sink has a method for their kind. */
  readonly counts: Record<Kind, number> = { trace: 0, drop: 0, policyVerdict: 0, debug: 0, capture: 0, traceSock: 0 }
  /**
   * Records delivered without their packet, because an unknown ext_version leaves its offset unknown. Also in counts.
   */
  extensionsUnknown = 0
  readonly #trace = new TraceRecord()
  readonly #drop = new DropRecord()
  readonly #verdict = new VerdictRecord()
  readonly #debug = new DebugRecord()
  readonly #capture = new CaptureRecord()
  readonly #sock = new SockRecord()
  #batch: Uint8Array = new Uint8Array(0)
  #batchView: DataView = new DataView(this.#batch.buffer)
  #view = this.#batchView
  #bytes = this.#batch

  /** HOT: decodes all frames in the first `length` bytes of `batch`; no allocation. Guard: bench `reduce-weir`. */
  decode(batch: Uint8Array, length: number, sink: RecordSink): void {
    if (batch !== this.#batch) {
      this.#batch = batch
      this.#batchView = new DataView(batch.buffer, batch.byteOffset, batch.byteLength)
    }
    const view = this.#batchView
    const end = Math.min(length, batch.length)
    for (let at = 0; at < end; ) {
      const size = at + FRAME_HEADER > end ? end : view.getUint32(at, true)
      at += FRAME_HEADER
      if (at + size > end) {
        // Without a valid size the frames after it cannot be located.
        this.faults.frame++
        return
      }
      this.record(view, at, size, sink)
      at += size
    }
  }

  /** HOT: decodes one record of `size` bytes at `at`. Guard: bench `reduce-weir`. */
  record(view: DataView, at: number, size: number, sink: RecordSink): void {
    if (view !== this.#view) {
      this.#view = view
      this.#bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    }
    if (size < 1) this.faults.short++
    else if (at + size > view.byteLength) this.faults.frame++
    else if (view.getUint8(at) === Notify.trace) this.#traceAt(view, at, size, sink)
    else if (view.getUint8(at) === Notify.drop) this.#dropAt(view, at, size, sink)
    else if (view.getUint8(at) === Notify.policyVerdict) this.#verdictAt(view, at, size, sink)
    else this.#other(view, at, size, sink)
  }

  #traceAt(view: DataView, at: number, size: number, sink: RecordSink): void {
    if (size < TRACE_LENGTH[0]) return void this.faults.short++
    const version = view.getUint8(at + HDR.version)
    const length = TRACE_LENGTH[version]
    if (length === undefined) return void this.faults.version++
    if (size < length) return void this.faults.short++
    const record = this.#trace.aim(view, this.#bytes, at, size)
    this.#locate(record, length, version === 2 ? WEIR_TRACE.size : -1)
    this.counts.trace++
    sink.trace(record)
  }

  #dropAt(view: DataView, at: number, size: number, sink: RecordSink): void {
    if (size < DROP_LENGTH[0]) return void this.faults.short++
    const version = view.getUint8(at + HDR.version)
    const length = DROP_LENGTH[version]
    if (length === undefined) return void this.faults.version++
    if (size < length) return void this.faults.short++
    const record = this.#drop.aim(view, this.#bytes, at, size)
    this.#locate(record, length, version === 3 ? WEIR_DROP.size : -1)
    this.counts.drop++
    sink.drop(record)
  }

  #verdictAt(view: DataView, at: number, size: number, sink: RecordSink): void {
    if (size < VERDICT_OLD) return void this.faults.short++
    if (view.getUint8(at + HDR.version) !== VERDICT_VERSION) return void this.faults.version++
    const record = this.#verdict.aim(view, this.#bytes, at, size)
    record.headerLength = verdictLength(size, record.lenCap)
    if (record.headerLength > size) return void this.faults.short++
    this.#locate(record, record.headerLength, -1)
    this.counts.policyVerdict++
    sink.verdict(record)
  }

  /**
   * Locates the packet and the extension after `length` bytes; `extension` is the size of Weir's, -1 if the kind has
   * none.
   */
  #locate(record: RecordWindow, length: number, extension: number): void {
    // Reads the fields directly: V8 does not inline the getters, and a call costs more than the read.
    const { view, at } = record
    const extVersion = view.getUint8(at + HDR.extVersion)
    const known = extVersion === 0 ? 0 : extVersion === WEIR_EXT && extension >= 0 ? extension : -1
    const room = record.size - length - known
    record.hasExtension = known > 0 && room >= 0
    record.extensionAt = at + length
    record.packetAt = at + length
    record.packetLength = 0
    if (known < 0 || room < 0) {
      this.extensionsUnknown++
      return
    }
    record.packetAt += known
    record.packetLength = captured(view.getUint16(at + HDR.lenCap, true), room, known > 0)
  }

  #other(view: DataView, at: number, size: number, sink: RecordSink): void {
    const type = view.getUint8(at)
    if (type === Notify.debug) this.#debugAt(view, at, size, sink)
    else if (type === Notify.capture) this.#captureAt(view, at, size, sink)
    else if (type === Notify.traceSock) this.#sockAt(view, at, size, sink)
    else this.faults.type++
  }

  #debugAt(view: DataView, at: number, size: number, sink: RecordSink): void {
    if (size < DEBUG_LENGTH) return void this.faults.short++
    this.counts.debug++
    sink.debug?.(this.#debug.aim(view, at, size))
  }

  #captureAt(view: DataView, at: number, size: number, sink: RecordSink): void {
    if (size < CAPTURE_LENGTH) return void this.faults.short++
    const record = this.#capture.aim(view, this.#bytes, at, size)
    this.#locate(record, CAPTURE_LENGTH, -1)
    this.counts.capture++
    sink.capture?.(record)
  }

  #sockAt(view: DataView, at: number, size: number, sink: RecordSink): void {
    if (size < SOCK_PACKED) return void this.faults.short++
    this.counts.traceSock++
    sink.sock?.(this.#sock.aim(view, this.#bytes, at, size))
  }
}

/**
 * Bytes of the packet in the `room` after the header. len_cap cuts off perf's padding. Cilium captures part of every
 * packet, so more bytes than padding, or bytes after a len_cap of 0, are packet: Hubble takes all of them too.
 */
function captured(lenCap: number, room: number, extension: boolean): number {
  return extension || (lenCap > 0 && room - lenCap <= MAX_PADDING) ? Math.min(lenCap, room) : room
}

/**
 * Both layouts have version 1, so the size decides. 32 bytes plus the packet, with or without perf's padding, is the
 * old layout (8 bytes shorter than the new one in both cases). Anything else is read as the new layout, as in Cilium
 * 1.19: a truncated record, and one without captured bytes, which Cilium never writes.
 */
function verdictLength(size: number, lenCap: number): number {
  const old = VERDICT_OLD + lenCap
  return lenCap > 0 && (size === old || size === padded(old)) ? VERDICT_OLD : VERDICT_NEW
}

/** The size of `length` bytes padded by perf: a multiple of 8 together with the u32 of the size. */
function padded(length: number): number {
  return ((length + 4 + MAX_PADDING) & ~MAX_PADDING) - 4
}
