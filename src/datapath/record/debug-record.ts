// SPDX-License-Identifier: Apache-2.0
/**
 * debug-record.ts - DebugMsg: three numbers that a debug build of Cilium's datapath reports, without a packet.
 *
 * In:    a record aimed by the decoder, at least DEBUG_LENGTH bytes.
 * Out:   its fields (cilium/cilium bpf/lib/dbg.h); debug-text.ts formats them.
 */
import { HDR } from './abi.js'

const NO_VIEW = new DataView(new ArrayBuffer(0))
const DEBUG = { arg1: 8, arg2: 12, arg3: 16 } as const
export const DEBUG_LENGTH = 20

export class DebugRecord {
  view: DataView = NO_VIEW
  at = 0
  size = 0

  /** Point at another record. Only the decoder and tests move a window. */
  aim(view: DataView, at: number, size: number): this {
    this.view = view
    this.at = at
    this.size = size
    return this
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
  get arg1(): number {
    return this.view.getUint32(this.at + DEBUG.arg1, true)
  }
  get arg2(): number {
    return this.view.getUint32(this.at + DEBUG.arg2, true)
  }
  get arg3(): number {
    return this.view.getUint32(this.at + DEBUG.arg3, true)
  }
}
