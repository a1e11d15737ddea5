// SPDX-License-Identifier: Apache-2.0
/**
 * sock-record.ts - TraceSockNotify: a socket address before and after the datapath translates it.
 *
 * In:    a record aimed by the decoder, at least SOCK_PACKED bytes.
 * Out:   its fields, from either layout: 38 packed bytes up to Cilium 1.18, 40 aligned ones since 1.19
 *        (cilium/cilium bpf/lib/trace_sock.h). The record has no version byte, so the values decide which layout it
 * has.
 */

const NO_BYTES = new Uint8Array(0)
const NO_VIEW = new DataView(NO_BYTES.buffer)
const ALIGNED = { proto: 2, flags: 3, dstPort: 4, pad: 6, cookie: 8, cgroup: 16, dstIp: 24 } as const
const PACKED = { dstIp: 2, dstPort: 18, cookie: 20, cgroup: 28, proto: 36, flags: 37 } as const
const POINT = 1
const MAX_PROTO = 2
const MAX_FLAGS = 1
export const SOCK_PACKED = 38
const SOCK_ALIGNED = 40

export class SockRecord {
  view: DataView = NO_VIEW
  bytes: Uint8Array = NO_BYTES
  at = 0
  size = 0
  #layout: typeof PACKED | typeof ALIGNED = ALIGNED

  /** Point at another record. Only the decoder and tests move a window. */
  aim(view: DataView, bytes: Uint8Array, at: number, size: number): this {
    this.view = view
    this.bytes = bytes
    this.at = at
    this.size = size
    this.#layout = this.#looksAligned() ? ALIGNED : PACKED
    return this
  }

  /** 1 before and 2 after translation on the way out, 3 and 4 on the way back. */
  get point(): number {
    return this.view.getUint8(this.at + POINT)
  }
  /** 0 unknown, 1 TCP, 2 UDP. */
  get proto(): number {
    return this.view.getUint8(this.at + this.#layout.proto)
  }
  get ipv6(): boolean {
    return (this.view.getUint8(this.at + this.#layout.flags) & 0x01) !== 0
  }
  get dstPort(): number {
    return this.view.getUint16(this.at + this.#layout.dstPort, true)
  }
  /** Where the destination's address is: 4 bytes, or 16 with ipv6. */
  get dstAt(): number {
    return this.at + this.#layout.dstIp
  }
  /** u64, decimal. */
  get cookie(): string {
    return this.view.getBigUint64(this.at + this.#layout.cookie, true).toString()
  }
  /** u64, decimal. */
  get cgroup(): string {
    return this.view.getBigUint64(this.at + this.#layout.cgroup, true).toString()
  }

  /**
   * In the packed layout these bytes would be a destination that starts with 0.0 to 2.1, which no Service has, before
   * zeros.
   */
  #looksAligned(): boolean {
    if (this.size < SOCK_ALIGNED) return false
    const { view, at } = this
    return (
      view.getUint8(at + ALIGNED.proto) <= MAX_PROTO &&
      view.getUint8(at + ALIGNED.flags) <= MAX_FLAGS &&
      view.getUint16(at + ALIGNED.pad) === 0
    )
  }
}
