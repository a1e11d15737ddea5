// SPDX-License-Identifier: Apache-2.0
/**
 * entities.ts - the names of addresses: entity ids, found by address or identity.
 *
 * In:    batches of changes from the inventory or the Kubernetes watch.
 * Out:   entity ids of addresses, names of ids, changed entries for the kernel's ip_cache and ip_prefixes.
 *        Id 0 is unknown, ids 1 to 10 are the other reserved identities, id 11 is a Service without a known name.
 *        An entity is immutable: a new name or a lost address allocates a new id, so that connections with the old id
 *        remain distinct from later ones.
 * Fail:  an address without a name has id 0 and is counted in `misses`.
 * Never: allocates more than MAX_ENTITIES ids: further entities are refused and counted.
 */
import type { Prefix } from '../../lib/address.js'
import { WordTable, word } from './address-table.js'
import { entityOf, identityEntity, isSameEntity, isSameList } from './entity.js'
import { EntityAddresses, type PrefixState } from './entity-addresses.js'
import type { EndpointFacts, EndpointKind, EntityChanges, IdentityFacts } from './entity-changes.js'
import type { Entity, EntityColumns } from './entity-columns.js'
import { EntityIds } from './entity-ids.js'
import { type Holding, Holdings, NOTHING } from './holdings.js'
import { HOST_IDENTITY, RESERVED, reservedLabels, SERVICE_IDENTITY, SERVICE_LABELS } from './identity.js'

/** What the kernel knows of the owner of an address. */
export interface IpInfo {
  readonly identity: number
  readonly entity: number
  readonly endpoint: number
  /** A name may still come; this one is a fallback. */
  readonly unresolved: boolean
  /** A Service's address: the backend is another. */
  readonly service: boolean
  /** Conntrack may know the address of the peer behind it: a Service's, or this node's with node ports. */
  readonly translatable: boolean
}

/** An entry of the kernel's ip_cache or ip_prefixes. */
export interface EntityPrefix extends Prefix, IpInfo {
  /** False: remove it from the kernel. */
  readonly present: boolean
}

export interface PodName {
  readonly namespace: string
  readonly pod: string
}

export interface EntityOptions {
  /** How long the names of removed entities are kept for late records. */
  readonly ttlMs?: number | undefined
  /** Most removed entities that keep their names; for tests. */
  readonly mostGone?: number
  /** A monotonic clock in milliseconds; for tests. */
  readonly now?: () => number
}

const MAPPED_PREFIX = 0xffff
const NO_LABELS: readonly string[] = []
/**
 * Prefixes in which pods may have addresses: RFC 1918, RFC 6598 (CGNAT), RFC 4193 (ULA). Not the link-local ones: what comes
 * from there is named by its interface.
 */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7']

export class Entities {
  /** Look-ups without a result. */
  misses = 0
  /** Number of batches applied. While it is unchanged, an address and identity resolve to the same id. */
  version = 0
  /** Number of endpoints by kind. */
  readonly kinds: Record<EndpointKind, number> = { pod: 0, node: 0, service: 0, apiserver: 0, cidr: 0 }
  readonly addresses = new EntityAddresses()
  readonly #ids: EntityIds
  readonly #columns: EntityColumns
  readonly #now: () => number
  readonly #holdings = new Holdings()
  readonly #labels = new Map<number, readonly string[]>()
  readonly #byIdentity = new WordTable()
  /** Entity ids of the pods of this node that have an address, by key. */
  readonly #localPods = new Map<string, number>()
  #stale: number[] = []

  constructor({ ttlMs, mostGone, now = () => performance.now() }: EntityOptions = {}) {
    this.#ids = new EntityIds(ttlMs, mostGone)
    this.#columns = this.#ids.columns
    this.#now = now
    for (const identity of RESERVED.keys()) this.#setIdentity({ identity, labels: NO_LABELS })
    this.#setIdentity({ identity: SERVICE_IDENTITY, labels: SERVICE_LABELS })
  }

  /** Private addresses without a name may get one: the kernel defers their counts. */
  expectNames(): void {
    for (const prefix of PRIVATE) this.addresses.addUnresolved(prefix)
  }

  /** Keys of all endpoints except CIDRs. */
  *keys(): Generator<string> {
    for (const { key, kind } of this.#holdings.all()) if (kind !== 'cidr') yield key
  }

  /** Entity ids of the pods of this node that have an address of their own. */
  localPods(): Iterable<number> {
    return this.#localPods.values()
  }

  /** Applies a batch. Returns the pods that it removes. */
  apply({ identities, removals, upserts, forgotten }: EntityChanges): PodName[] {
    this.version++
    const deleted: PodName[] = []
    for (const identity of identities) this.#setIdentity(identity)
    for (const key of removals) {
      const { row } = this.#holdings.get(key)
      const pod = this.pod(row)
      if (pod !== '') deleted.push({ namespace: this.namespace(row), pod })
      this.#remove(key)
    }
    for (const facts of upserts) this.#upsert(facts)
    for (const identity of forgotten) this.#forget(identity)
    return deleted
  }

  /** Ids freed for reuse. Callers that cache names by id must drop these ids from their caches. */
  recycle(): readonly number[] {
    return this.#ids.recycle(this.#now())
  }

  /** Ids that became stale since the last call; included in staleTotal. */
  takeStale(): readonly number[] {
    const retired = this.#stale
    this.#stale = []
    return retired
  }

  /** Ids that ever became stale. */
  get staleTotal(): number {
    return this.#ids.staleTotal
  }

  /** No connection in the kernel refers to any of the first `ids` stale ids. */
  release(ids: number): void {
    this.#ids.released = ids
  }

  /** Ids freed for reuse so far. */
  get reused(): number {
    return this.#ids.reused
  }
  /** Entities refused because no id was free. */
  get refused(): number {
    return this.#ids.refused
  }
  /** Stale ids that still have their names. */
  get gone(): number {
    return this.#ids.gone
  }
  /** All ids allocated so far: used, stale and free ones. */
  get count(): number {
    return this.#columns.length
  }
  /** Ids of current entities. */
  get used(): number {
    return this.#ids.used
  }
  identity(entity: number): number {
    return this.#columns.identity.at(entity)
  }
  /** Endpoint id of a local endpoint, else 0. */
  endpoint(entity: number): number {
    return this.#columns.endpoint.at(entity)
  }
  namespace(entity: number): string {
    return this.#columns.namespace.at(entity)
  }
  isPod(entity: number): boolean {
    return this.#columns.kind(entity) === 'pod'
  }
  isLocalPod(entity: number): boolean {
    return this.isPod(entity) && this.#columns.local(entity)
  }
  /** Name of the workload; of the pod if it has none; `host`, `world` or a CIDR for other entities. */
  workload(entity: number): string {
    return this.#columns.workload.at(entity)
  }
  /** `Deployment`, ...; empty when unknown. */
  workloadKind(entity: number): string {
    return this.#columns.workloadKind.at(entity)
  }
  pod(entity: number): string {
    return this.#columns.pod.at(entity)
  }
  /** Value of the pod's first application label; '' without one. */
  app(entity: number): string {
    return this.#columns.app.at(entity)
  }
  /** A Service's own name; of a pod the first Service, by name, that has it as a backend; '' without one. */
  service(entity: number): string {
    return this.#columns.service.at(entity)
  }
  /** Node that it runs on; a node's own name; '' when unknown. */
  node(entity: number): string {
    return this.#columns.node.at(entity)
  }
  zone(entity: number): string {
    return this.#columns.zone.at(entity)
  }
  labels(entity: number): readonly string[] {
    return this.#columns.labels.at(entity)
  }
  /** All names of an entity; those of the unknown entity for an id that was never allocated. */
  row(entity: number): Entity {
    return this.#columns.row(entity)
  }
  /** Labels of an identity; none if it is not known. */
  identityLabels(identity: number): readonly string[] {
    return this.#labels.get(identity) ?? NO_LABELS
  }

  /**
   * HOT: entity id of the address at `at` (16 bytes if `ipv6`, mapped IPv4 included; else 4; negative: no address) in a
   * record with `identity` (0: none). An endpoint with exactly this address wins. Otherwise the longest CIDR and the
   * record's identity are compared by precedence: workload, node, CIDR, world; on a tie the CIDR wins. So 0.0.0.0/0
   * does not hide a pod of another node, and the identity world does not hide a CIDR. Guard: bench `reduce-weir`.
   */
  resolve(bytes: Uint8Array, at: number, ipv6: boolean, identity: number): number {
    if (at < 0) return this.#preferred(identity, 0)
    const a = word(bytes, at)
    if (!ipv6) return this.#resolve4(a, identity)
    const b = word(bytes, at + 4)
    const c = word(bytes, at + 8)
    const d = word(bytes, at + 12)
    if (a === 0 && b === 0 && c === MAPPED_PREFIX) return this.#resolve4(d, identity)
    const row = this.addresses.exact6(a, b, c, d)
    return row !== 0 ? row : this.#preferred(identity, this.addresses.cidr6(a, b, c, d))
  }

  #resolve4(address: number, identity: number): number {
    const row = this.addresses.exact4(address)
    return row !== 0 ? row : this.#preferred(identity, this.addresses.cidr4(address))
  }

  /** The record's identity or the longest CIDR, by precedence. */
  #preferred(identity: number, cidr: number): number {
    const said = identity === 0 ? 0 : this.#byIdentity.find(identity)
    const { precedence } = this.#ids
    const row = precedence.at(said) > precedence.at(cidr) ? said : cidr
    if (row === 0) this.misses++
    return row
  }

  /** Entity of an identity, for a record without a packet; id 0 and a miss if it is not known. */
  byIdentity(identity: number): number {
    const row = identity === 0 ? 0 : this.#byIdentity.find(identity)
    if (row === 0) this.misses++
    return row
  }

  /** Every entry that the kernel's ip_cache and ip_prefixes should have. */
  prefixes(): EntityPrefix[] {
    const hosts = [...this.#holdings.all()].filter(({ kind }) => kind !== 'cidr').flatMap(({ ips }) => ips)
    return this.addresses.states(hosts).map(state => this.#entry(state))
  }

  /** Up to `most` changed entries; they are no longer pending. */
  takeChanged(most: number): EntityPrefix[] {
    return this.addresses.takeChanged(most).map(state => this.#entry(state))
  }

  #entry({ bits, addr, row, cidr, unresolved, present }: PrefixState): EntityPrefix {
    return { bits, addr, present, ...this.#info(row, cidr, unresolved) }
  }

  /** The owner of an address of 16 bytes, IPv4 mapped. */
  infoAt(addr: Uint8Array): IpInfo {
    const { row, cidr, unresolved } = this.addresses.stateAt(addr)
    return this.#info(row, cidr, unresolved)
  }

  #info(row: number, cidr: number, unresolved: boolean): IpInfo {
    const entity = row || cidr
    const service = this.#columns.kind(entity) === 'service'
    // A CIDR group has no identity of its own: it gets that of the surrounding CIDR.
    const identity = this.identity(entity) || this.identity(cidr)
    const translatable = service || identity === HOST_IDENTITY
    return { identity, entity, endpoint: this.endpoint(entity), unresolved, service, translatable }
  }

  #upsert(facts: EndpointFacts): void {
    const before = this.#holdings.get(facts.key)
    const row = this.#allocate(facts, before)
    const holding = { row, kind: facts.kind, ips: facts.ips, prefixes: facts.prefixes }
    if (before !== NOTHING) this.kinds[before.kind]--
    this.kinds[facts.kind]++
    this.#holdings.set(facts.key, holding)
    if (facts.kind === 'pod' && facts.local && facts.ips.length > 0) this.#localPods.set(facts.key, row)
    else this.#localPods.delete(facts.key)
    this.#addAddresses(holding)
    this.#removeLost(before, holding)
  }

  #remove(key: string): void {
    const before = this.#holdings.get(key)
    if (before === NOTHING) return
    this.#holdings.delete(key)
    this.#localPods.delete(key)
    this.kinds[before.kind]--
    this.#removeLost(before, NOTHING)
  }

  /** The entity id for a key: its old one if nothing changed. */
  #allocate(facts: EndpointFacts, before: Holding): number {
    const { identity } = facts
    if (identity !== 0 && !this.#labels.has(identity)) this.#setIdentity({ identity, labels: NO_LABELS })
    // A CIDR with an identity is that identity's entity.
    if (facts.kind === 'cidr' && identity !== 0) return this.#byIdentity.find(identity)
    const row = entityOf(facts, this.#labels.get(identity) ?? NO_LABELS)
    const keeps = before.ips.every(ip => facts.ips.includes(ip))
    return before.row !== 0 && keeps && isSameEntity(this.row(before.row), row) ? before.row : this.#ids.add(row)
  }

  #addAddresses({ row, kind, ips, prefixes }: Holding): void {
    for (const ip of ips) if (this.#mayOwn(ip, kind)) this.addresses.setHost(ip, row)
    for (const prefix of prefixes) {
      if (kind === 'cidr') this.addresses.setCidr(prefix, row)
      else this.addresses.addUnresolved(prefix)
    }
  }

  /** Removes the addresses and prefixes that `before` has and `after` lacks. */
  #removeLost(before: Holding, after: Holding): void {
    for (const ip of before.ips) if (!after.ips.includes(ip)) this.addresses.removeHost(ip, before.row)
    for (const prefix of before.prefixes) {
      if (before.kind !== 'cidr') this.addresses.removeUnresolved(prefix)
      else if (!after.prefixes.includes(prefix)) this.addresses.removeCidr(prefix, before.row)
    }
    const own = before.row !== 0 && this.#columns.kind(before.row) !== 'identity'
    if (own && before.row !== after.row) this.#markStale(before.row)
  }

  /** A load balancer may use the address of a node: the node keeps it. */
  #mayOwn(ip: string, kind: EndpointKind): boolean {
    if (kind !== 'service') return true
    const owner = this.addresses.host(ip)
    return owner === 0 || this.#columns.kind(owner) === 'service'
  }

  #setIdentity({ identity, labels }: IdentityFacts): void {
    const before = this.#labels.get(identity)
    const sorted = labels.length === 0 ? reservedLabels(identity) : [...labels].sort()
    if (before !== undefined && isSameList(before, sorted)) return
    this.#labels.set(identity, sorted)
    // Id 0 is the result of every failed look-up: it never changes, whatever labels identity 0 gets.
    if (identity === 0) return
    const row = this.#byIdentity.find(identity)
    const now = this.#ids.add(identityEntity(identity, sorted))
    this.#byIdentity.set(identity, now)
    if (row !== 0) this.#markStale(row)
  }

  #forget(identity: number): void {
    if (identity === SERVICE_IDENTITY) return
    if (identity < RESERVED.length) {
      this.#setIdentity({ identity, labels: NO_LABELS })
      return
    }
    const row = this.#byIdentity.find(identity)
    this.#labels.delete(identity)
    if (row === 0) return
    this.#byIdentity.delete(identity)
    this.#markStale(row)
  }

  #markStale(row: number): void {
    this.#ids.markStale(row, this.#now())
    if (this.#ids.released !== Number.POSITIVE_INFINITY) this.#stale.push(row)
  }
}
