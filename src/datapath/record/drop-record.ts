// SPDX-License-Identifier: Apache-2.0
/**
 * drop-record.ts - DropNotify versions 0 to 3, and struct weir_drop after version 3.
 *
 * In:    a record aimed by the decoder.
 * Out:   its fields; what a version lacks reads as 0. Fields of weir_drop need hasExtension.
 */
import { DROP, WEIR_DROP } from './abi.js'
import { NotifyRecord } from './notify-record.js'
import { hasTransport } from './protocol.js'

export class DropRecord extends NotifyRecord {
  /** Cilium's drop reason: the subtype. 0 in Weir's own records, which have kernelReason. */
  get reason(): number {
    return this.subtype
  }
  /** Endpoint id of the destination, 0 for egress. */
  get dstId(): number {
    return this.view.getUint32(this.at + DROP.dstId, true)
  }
  /** Line and file id of the drop in Cilium's datapath. */
  get line(): number {
    return this.view.getUint16(this.at + DROP.line, true)
  }
  get file(): number {
    return this.view.getUint8(this.at + DROP.file)
  }
  get extError(): number {
    return this.view.getInt8(this.at + DROP.extError)
  }
  get ifindex(): number {
    return this.view.getUint32(this.at + DROP.ifindex, true)
  }
  get flags(): number {
    return this.version < 2 ? 0 : this.view.getUint8(this.at + DROP.flags)
  }
  get ipTraceId(): number {
    return this.version < 3 ? 0 : this.u64(this.at + DROP.ipTraceId)
  }

  get packets(): number {
    return this.u64(this.extensionAt + WEIR_DROP.packets)
  }
  get bytesDropped(): number {
    return this.u64(this.extensionAt + WEIR_DROP.bytes)
  }
  /** Offset of the 16-byte source address (IPv4 mapped); the next getter has the destination's. */
  get srcAt(): number {
    return this.extensionAt + WEIR_DROP.src
  }
  get dstAt(): number {
    return this.extensionAt + WEIR_DROP.dst
  }
  get srcEntity(): number {
    return this.view.getUint32(this.extensionAt + WEIR_DROP.srcEntity, true)
  }
  get dstEntity(): number {
    return this.view.getUint32(this.extensionAt + WEIR_DROP.dstEntity, true)
  }
  /** enum skb_drop_reason of the kernel that wrote the record. */
  get kernelReason(): number {
    return this.view.getUint32(this.extensionAt + WEIR_DROP.reason, true)
  }
  get srcPort(): number {
    return this.view.getUint16(this.extensionAt + WEIR_DROP.srcPort, true)
  }
  get dstPort(): number {
    return this.view.getUint16(this.extensionAt + WEIR_DROP.dstPort, true)
  }
  /** Whether dstPort is that of every packet counted, not of one example. */
  get hasPort(): boolean {
    return this.view.getUint8(this.extensionAt + WEIR_DROP.anyPort) === 0
  }
  get proto(): number {
    return this.view.getUint8(this.extensionAt + WEIR_DROP.proto)
  }
  /** The extension has ports, or an ICMP message. */
  get knowsTransport(): boolean {
    return this.hasExtension && hasTransport(this.proto) && (this.srcPort | this.dstPort) !== 0
  }
}
