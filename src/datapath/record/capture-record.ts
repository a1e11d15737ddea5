// SPDX-License-Identifier: Apache-2.0
/**
 * capture-record.ts - DebugCapture: a packet that a debug build of Cilium's datapath captures at a point of its path.
 *
 * In:    a record aimed by the decoder, at least CAPTURE_LENGTH bytes.
 * Out:   its fields (cilium/cilium bpf/lib/dbg.h). It has no flags, so the packet always starts with Ethernet.
 */
import { RecordWindow } from './record.js'

const CAPTURE = { arg1: 16, arg2: 20 } as const
export const CAPTURE_LENGTH = 24

export class CaptureRecord extends RecordWindow {
  /** An interface index, or a proxy port in network order; by subtype. */
  get arg1(): number {
    return this.view.getUint32(this.at + CAPTURE.arg1, true)
  }
  get arg2(): number {
    return this.view.getUint32(this.at + CAPTURE.arg2, true)
  }
  get l3Device(): boolean {
    return false
  }
  get ipv6(): boolean {
    return false
  }
}
