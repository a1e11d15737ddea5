// SPDX-License-Identifier: Apache-2.0
/**
 * payload.ts - removes payload from captured packets, so that raw records contain no data of applications.
 *
 * In:    frames of Weir's own records, before they leave the process: to the flow buffer, to a recording.
 * Out:   the same frames, with their captured packets cut to their headers or to a number of bytes. Record sizes stay.
 * Never: cuts what the decoders need, unless fewer bytes are asked for.
 */
import { DROP, HDR, Notify, TRACE, WEIR_DROP, WEIR_EXT, WEIR_TRACE } from '../record/abi.js'
import { HeadersLength } from '../record/headers-length.js'

const FRAME_HEADER = 4
const TRACE_PACKET = TRACE.size + WEIR_TRACE.size
const DROP_PACKET = DROP.size + WEIR_DROP.size
/** CLASS_L3_DEVICE in bpf/weir.h. */
const L3_DEVICE = 2

export class PayloadFilter {
  readonly #captureBytes: number | undefined
  readonly #headers = new HeadersLength()
  #frames: Uint8Array = new Uint8Array(0)
  #view: DataView = new DataView(this.#frames.buffer)

  /** `captureBytes`: bytes of each packet to keep; undefined: its headers. */
  constructor(captureBytes: number | undefined) {
    this.#captureBytes = captureBytes
  }

  /** HOT: edits the frames in the first `length` bytes in place. Guard: bench `flow-buffer`. */
  apply(frames: Uint8Array, length: number): void {
    if (frames !== this.#frames) {
      this.#frames = frames
      this.#view = new DataView(frames.buffer, frames.byteOffset, frames.byteLength)
    }
    const view = this.#view
    for (let at = 0; at + FRAME_HEADER <= length; ) {
      const size = view.getUint32(at, true)
      at += FRAME_HEADER
      if (at + size > length) return
      this.#record(view, at, size)
      at += size
    }
  }

  #record(view: DataView, at: number, size: number): void {
    if (size < TRACE_PACKET && size < DROP_PACKET) return
    const captured = view.getUint16(at + HDR.lenCap, true)
    if (captured === 0 || view.getUint8(at + HDR.extVersion) !== WEIR_EXT) return
    const isTrace = view.getUint8(at + HDR.type) === Notify.trace
    if (!isTrace && view.getUint8(at + HDR.type) !== Notify.drop) return
    const start = isTrace ? TRACE_PACKET : DROP_PACKET
    if (size <= start) return
    const flags = view.getUint8(at + (isTrace ? TRACE.flags : DROP.flags))
    const keep = this.#kept(view, at + start, Math.min(captured, size - start), flags)
    view.setUint16(at + HDR.lenCap, keep, true)
    this.#frames.fill(0, at + start + keep, at + size)
  }

  #kept(view: DataView, at: number, length: number, flags: number): number {
    if (this.#captureBytes !== undefined) return Math.min(length, this.#captureBytes)
    return this.#headers.of(view, at, length, (flags & L3_DEVICE) !== 0)
  }
}
