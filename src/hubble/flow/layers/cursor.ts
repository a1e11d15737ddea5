// SPDX-License-Identifier: Apache-2.0
/**
 * cursor.ts - a position in a captured packet, and what the headers before it contained.
 *
 * In:    the bytes from `at` to `end`; `next` names the reader of the header at `at`.
 * Out:   the packet's part of a flow. Of several headers of one kind the innermost wins.
 * Order: layers.ts chooses the reader, network.ts and transport.ts read the headers.
 */

import type { LayerName } from '../../../cilium/layer-name.js'
import type { TunnelName } from '../../../cilium/tunnel-port.js'
import type { Ethernet, Ip, Layer4, Tunnel } from '../flow.js'

/** The packet's part of a flow. */
export interface FlowPacket {
  ethernet: Ethernet | undefined
  ip: Ip | undefined
  l4: Layer4 | undefined
  tunnel: Tunnel | undefined
  summary: string
  srcPort: number
  dstPort: number
}

export class PacketCursor implements FlowPacket {
  ethernet: Ethernet | undefined
  ip: Ip | undefined
  l4: Layer4 | undefined
  tunnel: Tunnel | undefined
  summary = ''
  srcPort = 0
  dstPort = 0

  view: DataView = new DataView(new ArrayBuffer(0))
  /** The bytes of `view`, same offsets. */
  bytes: Uint8Array = new Uint8Array(0)
  at = 0
  end = 0
  next: LayerName | undefined
  /** Payload of the last UDP header; -1 without one. */
  udpAt = -1
  udpEnd = -1
  /** Network id of the tunnel; the innermost of nested tunnels of one kind. */
  vni = 0
  /** The tunnel around the packet that is being read. */
  tunnelName: TunnelName | undefined

  /** Bytes between the cursor and the end of the packet. */
  get remaining(): number {
    return this.end - this.at
  }
}
