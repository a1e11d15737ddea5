// SPDX-License-Identifier: Apache-2.0
/**
 * verdict-record.ts - PolicyVerdictNotify: 32 bytes up to Cilium 1.18, 40 since 1.19.
 *
 * In:    a record aimed by the decoder, which determined the layout (both have the same version byte).
 * Out:   its fields.
 */
import { RecordWindow } from './record.js'

/** cilium/cilium bpf/lib/policy_log.h; Weir writes none, so bpf/weir.h has no copy. */
const VERDICT = { remoteLabel: 16, verdict: 20, dstPort: 24, proto: 26, flags: 27, authType: 28, cookie: 32 } as const

export class VerdictRecord extends RecordWindow {
  /** Bytes of the fixed part: 32 or 40. */
  headerLength = 40

  /** Security identity of the other side: the source of ingress, the destination of egress. */
  get remoteLabel(): number {
    return this.view.getUint32(this.at + VERDICT.remoteLabel, true)
  }
  /** 0 allowed, negative: minus the drop reason, positive: proxy port in network order. */
  get verdict(): number {
    return this.view.getInt32(this.at + VERDICT.verdict, true)
  }
  get dstPort(): number {
    return this.view.getUint16(this.at + VERDICT.dstPort, true)
  }
  get proto(): number {
    return this.view.getUint8(this.at + VERDICT.proto)
  }
  get flags(): number {
    return this.view.getUint8(this.at + VERDICT.flags)
  }
  /** Anything but 1 is egress, as in Cilium's own decoder. */
  get ingress(): boolean {
    return (this.flags & 0x03) === 1
  }
  get ipv6(): boolean {
    return (this.flags & 0x04) !== 0
  }
  /** 0 none, 1 L3-only, 2 L3-L4, 3 L4-only, 4 all, 5 L3-proto, 6 proto-only. */
  get matchType(): number {
    return (this.flags >> 3) & 7
  }
  /** Allowed only because of audit mode. */
  get audited(): boolean {
    return (this.flags & 0x40) !== 0
  }
  get l3Device(): boolean {
    return (this.flags & 0x80) !== 0
  }
  get authType(): number {
    return this.view.getUint8(this.at + VERDICT.authType)
  }
  /** Policy log cookie, 0 none. */
  get cookie(): number {
    return this.headerLength < 40 ? 0 : this.view.getUint32(this.at + VERDICT.cookie, true)
  }
}
