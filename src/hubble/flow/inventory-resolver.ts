// SPDX-License-Identifier: Apache-2.0
/**
 * inventory-resolver.ts - the Resolver over entities, Services and the other tables of an inventory file.
 *
 * In:    entities, which may change at any time; changes of Services; an inventory's DNS names, interfaces and cgroups.
 * Out:   answers for flows. Pods and identities are always looked up in the entities, so there is no second copy to
 *        disagree.
 * Never: grows between changes.
 */

import type { Entities } from '../../datapath/identity/entities.js'
import type { EndpointFacts, EntityChanges } from '../../datapath/identity/entity-changes.js'
import type { Entity } from '../../datapath/identity/entity-columns.js'
import type { Inventory } from '../../datapath/inventory/inventory.js'
import { inventoryChanges } from '../../datapath/inventory/inventory-changes.js'
import { entitiesOf } from '../../datapath/inventory/inventory-entities.js'
import { formatAddress, parseAddress } from '../../lib/address.js'
import type { Service } from './flow.js'
import type { LocalEndpoint, PodName, Resolver } from './resolver.js'

const NONE: readonly string[] = []

export class InventoryResolver implements Resolver {
  version = 0
  readonly #entities: Entities
  readonly #addressByEndpoint = new Map<number, string>()
  readonly #services = new Map<string, { readonly service: Service; readonly key: string }>()
  readonly #endpointsByService = new Map<string, readonly string[]>()
  readonly #dnsNames = new Map<string, readonly string[]>()
  #links: Readonly<Record<string, string>> = {}
  #liveLinkName: (ifindex: number) => string | undefined = () => undefined
  readonly #cgroups = new Map<string, string>()

  /** Of an inventory alone, with entities of its own. */
  static from(inventory: Inventory): InventoryResolver {
    const resolver = new InventoryResolver(entitiesOf(inventory))
    resolver.apply(inventoryChanges(undefined, inventory))
    resolver.load(inventory)
    return resolver
  }

  constructor(entities: Entities) {
    this.#entities = entities
  }

  /** Replaces DNS names, interfaces and cgroups by the inventory's. */
  load(inventory: Pick<Inventory, 'dns' | 'links' | 'cgroups'>): void {
    for (const map of [this.#dnsNames, this.#cgroups]) map.clear()
    for (const [ip, names] of Object.entries(inventory.dns)) {
      this.#dnsNames.set(canonical(ip), names.map(name => name.replace(/\.$/, '')).sort())
    }
    // The value is namespace/pod/ip; the endpoint already has the names.
    for (const [id, text] of Object.entries(inventory.cgroups))
      this.#cgroups.set(id, text.slice(text.lastIndexOf('/') + 1))
    this.#links = inventory.links
    this.version++
  }

  /**
   * Applies changes that the entities already have. Returns whether anything changed that entities do not cover: a
   * Service, or the labels of an identity.
   */
  apply({ removals, upserts, identities, forgotten }: EntityChanges): boolean {
    let changed = identities.length + forgotten.length > 0
    for (const key of removals) if (this.#removeService(key)) changed = true
    for (const facts of upserts) {
      if (facts.kind === 'service' && this.#addService(facts)) changed = true
      else if (facts.local && facts.kind === 'pod' && facts.ips[0] !== undefined) {
        this.#addressByEndpoint.set(facts.endpoint, facts.ips[0])
      }
    }
    this.version++
    return changed
  }

  /** Names of this machine's interfaces, for those that the inventory does not name. */
  followLinks(nameOf: (ifindex: number) => string | undefined): void {
    this.#liveLinkName = nameOf
  }

  localEndpoint(ip: string): LocalEndpoint | undefined {
    const entity = this.#entityOf(ip)
    return entity?.kind === 'pod' && entity.local ? localOf(entity) : undefined
  }
  localEndpointById(id: number): LocalEndpoint | undefined {
    const ip = this.#addressByEndpoint.get(id)
    const local = ip === undefined ? undefined : this.localEndpoint(ip)
    if (local?.id === id) return local
    this.#addressByEndpoint.delete(id)
    return undefined
  }
  identity(ip: string): number {
    const identity = this.#entityOf(ip)?.identity ?? 0
    if (identity !== 0 || ip === '') return identity
    const { addresses } = this.#entities
    return this.#entityOf(ip)?.kind === 'pod' ? 0 : this.#entities.identity(addresses.cidr(ip))
  }
  pod(ip: string): PodName | undefined {
    const entity = this.#entityOf(ip)
    return entity?.kind === 'pod' ? entity : undefined
  }
  labels(identity: number): readonly string[] {
    return this.#entities.identityLabels(identity)
  }
  service(ip: string, port: number): Service | undefined {
    if (port === 0) return undefined
    return this.#services.get(`${ip}/${port}`)?.service
  }
  /** By entity id; undefined for anything but a Service. */
  serviceOf(entity: number): Service | undefined {
    const { kind, service: name, namespace } = this.#entities.row(entity)
    return kind === 'service' ? { name, namespace } : undefined
  }
  names(ip: string): readonly string[] {
    return this.#dnsNames.get(ip) ?? NONE
  }
  linkName(ifindex: number): string {
    return this.#links[ifindex] ?? this.#liveLinkName(ifindex) ?? ''
  }
  cgroupAddress(cgroup: string, ipv6: boolean): string | undefined {
    const ip = this.#cgroups.get(cgroup)
    if (ip === undefined || ip.includes(':') !== ipv6) return undefined
    return ip
  }

  #entityOf(ip: string): Entity | undefined {
    if (ip === '') return undefined
    const id = this.#entities.addresses.host(ip)
    return id === 0 ? undefined : this.#entities.row(id)
  }

  #addService({ key, ips, ports, namespace, service: name }: EndpointFacts): boolean {
    const endpoints = ips.flatMap(ip => ports.map(({ port }) => `${ip}/${port}`))
    const before = this.#endpointsByService.get(key) ?? NONE
    if (before.join() === endpoints.join()) return false
    this.#removeService(key)
    this.#endpointsByService.set(key, endpoints)
    for (const endpoint of endpoints) this.#services.set(endpoint, { service: { name, namespace }, key })
    return true
  }

  #removeService(key: string): boolean {
    const endpoints = this.#endpointsByService.get(key)
    if (endpoints === undefined) return false
    this.#endpointsByService.delete(key)
    for (const endpoint of endpoints) if (this.#services.get(endpoint)?.key === key) this.#services.delete(endpoint)
    return true
  }
}

function localOf({ endpoint, identity, namespace, pod, labels, hubbleWorkload }: Entity): LocalEndpoint {
  return { id: endpoint, identity, namespace, pod, labels, workload: hubbleWorkload }
}

function canonical(ip: string): string {
  return formatAddress(parseAddress(ip))
}
