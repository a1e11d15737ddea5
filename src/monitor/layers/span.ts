// SPDX-License-Identifier: Apache-2.0
/**
 * span.ts - a range of a packet's bytes, read in network byte order.
 *
 * Fail:  an offset past the end reads a neighbour's byte or throws a RangeError, so check `length` first.
 * Never: copies; a span is valid as long as its view.
 */

export class Span {
  readonly view: DataView
  readonly at: number
  readonly length: number

  constructor(view: DataView, at: number, length: number) {
    this.view = view
    this.at = at
    this.length = length
  }

  /** The bytes from `from` up to `to`, both limited to the span. */
  slice(from: number, to = this.length): Span {
    const start = Math.min(from, this.length)
    return new Span(this.view, this.at + start, Math.max(0, Math.min(to, this.length) - start))
  }

  u8(offset: number): number {
    return this.view.getUint8(this.at + offset)
  }
  u16(offset: number): number {
    return this.view.getUint16(this.at + offset)
  }
  u24(offset: number): number {
    return this.u32(offset - 1) & 0xffffff
  }
  u32(offset: number): number {
    return this.view.getUint32(this.at + offset)
  }
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.at, this.length)
  }
}
