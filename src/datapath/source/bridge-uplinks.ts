// SPDX-License-Identifier: Apache-2.0
/**
 * bridge-uplinks.ts - the port of a bridge that leads to the node's gateway, where the default route goes through the bridge.
 *
 * In:    links; default routes; the kernel's neighbours and forwarding entries, followed only while there is such a bridge with a
 *        port that looks like a pod's.
 * Out:   the port behind which the bridge has learned the gateway's hardware address: an uplink, whatever its kind.
 * Fail:  opening the watches throws the kernel's error. A bridge whose gateway is not learned yet, or an Open vSwitch, which learns
 *        out of the kernel's sight, is named in `unknown`: its uplink may be taken for a pod's interface.
 */
import { isPodLink, type Link } from './links.js'
import type { RtnetlinkWatch } from './native.js'
import { AF_BRIDGE, type ForwardingEntry, type Neighbour, readForwarding, readNeighbour } from './neighbours.js'
import { RtnetlinkFollower } from './rtnetlink-follower.js'

/** A default route's device. */
export interface Gateway {
  readonly device: number
  /** undefined: the route has none. */
  readonly address: string | undefined
}

interface Watches {
  readonly neighbours: RtnetlinkFollower<Neighbour>
  readonly forwarding: RtnetlinkFollower<ForwardingEntry>
}

/** Opens a watch of neighbours; of forwarding entries for the family AF_BRIDGE. */
export type OpenNeighbours = (family: number) => RtnetlinkWatch

const ALL_FAMILIES = 0

export class BridgeUplinks {
  /** Names of the bridges whose uplink is not known. */
  unknown: readonly string[] = []
  readonly #open: OpenNeighbours
  readonly #changed: () => void
  #watches: Watches | undefined
  /** The gateway's port by bridge, until another is learned: an idle entry is forgotten by the kernel, not moved. */
  readonly #ports = new Map<number, number>()

  constructor(open: OpenNeighbours, changed: () => void) {
    this.#open = open
    this.#changed = changed
  }

  /** Ports that lead to a gateway. */
  find(gateways: readonly Gateway[], links: ReadonlyMap<number, Link>): Set<number> {
    const found = new Set<number>()
    const unknown = new Set<string>()
    for (const gateway of gateways) {
      const bridge = bridgeBelow(gateway.device, links)
      if (bridge === undefined) continue
      const ports = portsOf(bridge, links)
      if (!ports.some(isPodLink)) continue
      const port = bridge.kind === 'bridge' ? this.#portOf(bridge, gateway, ports) : undefined
      if (port !== undefined) found.add(port)
      else if (ports.every(isPodLink)) unknown.add(bridge.name)
    }
    this.unknown = [...unknown].sort()
    return found
  }

  close(): void {
    this.#watches?.neighbours.close()
    this.#watches?.forwarding.close()
  }

  #portOf(bridge: Link, { device, address }: Gateway, ports: readonly Link[]): number | undefined {
    if (ports.length === 1) return ports[0]?.ifindex
    const { neighbours, forwarding } = this.#follow()
    const mac = address && neighbours.get(`${device} ${address}`)?.mac
    const learned = mac && forwarding.get(`${bridge.ifindex} ${mac}`)?.port
    if (learned) this.#ports.set(bridge.ifindex, learned)
    const port = this.#ports.get(bridge.ifindex)
    return ports.some(({ ifindex }) => ifindex === port) ? port : undefined
  }

  #follow(): Watches {
    const open = () => ({
      neighbours: new RtnetlinkFollower(
        this.#open(ALL_FAMILIES),
        readNeighbour,
        ({ ifindex, address }) => `${ifindex} ${address}`,
        this.#changed,
      ),
      forwarding: new RtnetlinkFollower(
        this.#open(AF_BRIDGE),
        readForwarding,
        ({ bridge, mac }) => `${bridge} ${mac}`,
        this.#changed,
      ),
    })
    this.#watches ??= open()
    return this.#watches
  }
}

/** The bridge that a device is, or that is below a VLAN or macvlan. */
function bridgeBelow(device: number, links: ReadonlyMap<number, Link>): Link | undefined {
  const seen = new Set<number>()
  for (let link = links.get(device); link !== undefined && !seen.has(link.ifindex); link = links.get(link.lower)) {
    if (link.kind === 'bridge' || link.kind === 'openvswitch') return link
    seen.add(link.ifindex)
  }
  return undefined
}

/** Open vSwitch's ports have its datapath as their master, not the bridge. */
function portsOf(bridge: Link, links: ReadonlyMap<number, Link>): readonly Link[] {
  const isPort = ({ master }: Link) =>
    bridge.kind === 'bridge' ? master === bridge.ifindex : links.get(master)?.kind === 'openvswitch'
  return [...links.values()].filter(link => isPort(link) && link.kind !== 'openvswitch')
}
