// SPDX-License-Identifier: Apache-2.0
/**
 * notify-record.ts - the fields that TraceNotify and DropNotify share after the common header.
 *
 * In:    a record aimed by the decoder; each subclass provides the offset of its flags.
 * Out:   identities and classification flags (cilium/cilium bpf/lib/classifiers.h).
 */
import { TRACE } from './abi.js'
import { RecordWindow } from './record.js'

export abstract class NotifyRecord extends RecordWindow {
  abstract get flags(): number

  /** Security identity of the packet's source, 0 unknown; DropNotify has it at the same place. */
  get srcLabel(): number {
    return this.view.getUint32(this.at + TRACE.srcLabel, true)
  }
  get dstLabel(): number {
    return this.view.getUint32(this.at + TRACE.dstLabel, true)
  }
  get ipv6(): boolean {
    return (this.flags & 0x01) !== 0
  }
  get l3Device(): boolean {
    return (this.flags & 0x02) !== 0
  }
  get vxlan(): boolean {
    return (this.flags & 0x04) !== 0
  }
  get geneve(): boolean {
    return (this.flags & 0x08) !== 0
  }
}
