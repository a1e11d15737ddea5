// SPDX-License-Identifier: Apache-2.0
/**
 * node-network.ts - follows the links, addresses and routes of the watched network namespace.
 *
 * In:    rtnetlink notifications.
 * Out:   the node's addresses, its uplinks (bridge-uplinks.ts for those inside a bridge), and the interface behind which a single address is; one call of the listener
 *        for all changes of a turn of the event loop.
 * Fail:  the constructor throws the kernel's error. Lost notifications (ENOBUFS) trigger a dump.
 */
import { type InterfaceAddress, readAddress } from './addresses.js'
import { BridgeUplinks, type Gateway } from './bridge-uplinks.js'
import { type Link, readLink } from './links.js'
import type { Native } from './native.js'
import { type Route, readRoute } from './routes.js'
import { RtnetlinkFollower } from './rtnetlink-follower.js'

/** Addresses that are valid on their link only: 169.254.0.0/16, fe80::/10. */
const LINK_LOCAL = /^(169\.254\.|fe[89ab][0-9a-f]:)/

export class NodeNetwork {
  readonly #links: RtnetlinkFollower<Link>
  readonly #addresses: RtnetlinkFollower<InterfaceAddress>
  readonly #routes: RtnetlinkFollower<Route>
  readonly #bridges: BridgeUplinks
  readonly #listener: () => void
  #scheduled: NodeJS.Immediate | undefined
  /** Computed at the first question after a change. */
  #uplinks: ReadonlySet<number> | undefined

  /** Reads the current state before it returns. `netns`: path of the namespace; undefined: the process's own. */
  constructor(native: Native, netns: string | undefined, listener: () => void) {
    const open = () => [native.watchLinks(), native.watchAddresses(), native.watchRoutes()] as const
    const [links, addresses, routes] = netns === undefined ? open() : native.inNamespace(netns, open)
    const changed = () => this.#schedule()
    this.#listener = listener
    const neighbours = (family: number) => native.watchNeighbours(family)
    this.#bridges = new BridgeUplinks(
      family => (netns === undefined ? neighbours(family) : native.inNamespace(netns, () => neighbours(family))),
      () => this.#scheduleIfMoved(),
    )
    this.#links = new RtnetlinkFollower(links, readLink, ({ ifindex }) => String(ifindex), changed)
    this.#addresses = new RtnetlinkFollower(addresses, readAddress, keyOfAddress, changed)
    this.#routes = new RtnetlinkFollower(routes, readRoute, ({ key }) => key, changed)
    this.#cancel()
  }

  /** All addresses of the namespace's interfaces, as canonical text. */
  addresses(): Set<string> {
    return new Set([...this.#addresses.values()].map(({ address }) => address))
  }

  link(ifindex: number): Link | undefined {
    return this.#links.get(String(ifindex))
  }

  /** Single addresses with a route to an interface that is up, and the interfaces. */
  *hostRoutes(): Generator<{ readonly address: string; readonly ifindex: number }> {
    for (const { address, devices } of this.#routes.values())
      for (const ifindex of devices) if (address !== undefined && this.#isUp(ifindex)) yield { address, ifindex }
  }

  /**
   * Numbers of the node's own interfaces, even if they look like a pod's: the device of a default route, an interface
   * below or inside such a device, the port of a bridge that leads to the gateway, one with an address of the node. Addresses that show no uplink: a link-local one, one
   * without a subnet, one that several interfaces have. CNIs put such a gateway on the node's side of a pod.
   */
  uplinks(): ReadonlySet<number> {
    this.#uplinks ??= this.#findUplinks()
    return this.#uplinks
  }

  /** Bridges with the default route whose uplink is not known: it may be taken for a pod's interface. */
  unknownUplinks(): readonly string[] {
    this.uplinks()
    return this.#bridges.unknown
  }

  /** Times that notifications were lost, and everything was read again. */
  get losses(): number {
    return this.#links.losses + this.#addresses.losses + this.#routes.losses
  }

  /** A second call does nothing. */
  close(): void {
    this.#cancel()
    this.#bridges.close()
    for (const follower of [this.#links, this.#addresses, this.#routes]) follower.close()
  }

  #findUplinks(): Set<number> {
    const found = new Set<number>()
    for (const { address, devices } of this.#routes.values())
      for (const ifindex of devices)
        if (address === undefined && this.#isUp(ifindex)) this.#addWithLower(found, ifindex)
    const times = new Map<string, number>()
    for (const { address } of this.#addresses.values()) times.set(address, (times.get(address) ?? 0) + 1)
    for (const { ifindex, address, single } of this.#addresses.values())
      if (!single && times.get(address) === 1 && !LINK_LOCAL.test(address)) this.#addWithLower(found, ifindex)
    for (const ifindex of this.#bridgePorts()) this.#addWithLower(found, ifindex)
    return found
  }

  #bridgePorts(): Set<number> {
    const gateways: Gateway[] = []
    for (const { address, devices, gateway } of this.#routes.values())
      if (address === undefined)
        gateways.push(...devices.filter(device => this.#isUp(device)).map(device => ({ device, address: gateway })))
    return this.#bridges.find(gateways, new Map([...this.#links.values()].map(link => [link.ifindex, link])))
  }

  /** Neighbours and forwarding entries change often; few of the changes concern an uplink. */
  #scheduleIfMoved(): void {
    const before = this.#uplinks
    if (before === undefined) return
    this.#uplinks = undefined
    const now = this.uplinks()
    if (now.size !== before.size || [...now].some(ifindex => !before.has(ifindex))) this.#schedule()
  }

  /** Adds an interface, the one below a VLAN or macvlan, and the members of a bond. */
  #addWithLower(found: Set<number>, ifindex: number): void {
    const link = this.link(ifindex)
    if (found.has(ifindex) || link === undefined) return
    found.add(ifindex)
    if (link.lower !== 0) this.#addWithLower(found, link.lower)
    if (link.kind !== 'bond' && link.kind !== 'team') return
    for (const member of this.#links.values()) if (member.master === ifindex) this.#addWithLower(found, member.ifindex)
  }

  /** The kernel removes the routes of an interface that goes down without a notification. */
  #isUp(ifindex: number): boolean {
    return this.link(ifindex)?.up === true
  }

  #schedule(): void {
    this.#scheduled ??= setImmediate(() => {
      // Links last: the interface of a route is then known.
      for (const follower of [this.#routes, this.#addresses, this.#links]) follower.follow()
      this.#cancel()
      this.#routes.removeWhere(({ devices }) => devices.length > 0 && !devices.some(ifindex => this.#isUp(ifindex)))
      this.#listener()
    })
  }

  #cancel(): void {
    clearImmediate(this.#scheduled)
    this.#scheduled = undefined
    this.#uplinks = undefined
  }
}

function keyOfAddress({ ifindex, address }: InterfaceAddress): string {
  return `${ifindex} ${address}`
}
