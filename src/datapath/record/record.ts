// SPDX-License-Identifier: Apache-2.0
/**
 * record.ts - a window on one raw record: the header that trace, drop and policy verdict share.
 *
 * In:    bytes that the decoder has checked to hold the record's fixed part.
 * Out:   fields read on demand, valid until the sink returns.
 * Never: copies, keeps or checks anything. Layout: cilium/cilium bpf/lib/{notify,trace,drop,policy_log}.h.
 */
import { HDR } from './abi.js'

const U32 = 4_294_967_296
const NO_BYTES = new Uint8Array(0)
const NO_VIEW = new DataView(NO_BYTES.buffer)

/** Fields at the same offset in every kind; `at` is where the record starts in `view` and in `bytes`. */
export abstract class RecordWindow {
  view: DataView = NO_VIEW
  /** The bytes of `view` at the same offsets, for lookups by address. */
  bytes: Uint8Array = NO_BYTES
  at = 0
  size = 0
  /** Bytes of the captured packet, at most len_cap and the rest of the record; 0 when its offset is unknown. */
  packetAt = 0
  packetLength = 0
  /** Weir's extension follows the header at `extensionAt`. If false, the extension's fields are undefined. */
  hasExtension = false
  extensionAt = 0

  /** Point at another record. Only the decoder and tests move a window. */
  aim(view: DataView, bytes: Uint8Array, at: number, size: number): this {
    this.view = view
    this.bytes = bytes
    this.at = at
    this.size = size
    return this
  }

  get type(): number {
    return this.view.getUint8(this.at + HDR.type)
  }
  get subtype(): number {
    return this.view.getUint8(this.at + HDR.subtype)
  }
  /** Endpoint id of the emitter. */
  get source(): number {
    return this.view.getUint16(this.at + HDR.source, true)
  }
  get hash(): number {
    return this.view.getUint32(this.at + HDR.hash, true)
  }
  /** Bytes of the whole packet. */
  get lenOrig(): number {
    return this.view.getUint32(this.at + HDR.lenOrig, true)
  }
  get lenCap(): number {
    return this.view.getUint16(this.at + HDR.lenCap, true)
  }
  get version(): number {
    return this.view.getUint8(this.at + HDR.version)
  }
  get extVersion(): number {
    return this.view.getUint8(this.at + HDR.extVersion)
  }
  /** The packet has no Ethernet header. */
  abstract get l3Device(): boolean
  abstract get ipv6(): boolean

  /** A u64 as a number: exact up to 2^53. */
  protected u64(at: number): number {
    return this.view.getUint32(at + 4, true) * U32 + this.view.getUint32(at, true)
  }
}
