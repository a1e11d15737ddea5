/**
 * entities.ts - who stands at an end: dense rows with names, found by address or identity.
 *
 * In:    a World, and others that replace it while records come.
 * Out:   row numbers (entities) for addresses, names for rows, prefixes for the kernel's trie.
 *        Row 0 is unknown; then a row each reserved, labelled, CIDR and endpoint identity; then one each endpoint.
 * Fail:  an address that nothing names is row 0 and counted in `misses`.
 * Never: grows between updates: at most the world's endpoints and identities, and what EntityRows keeps of those that
 *        were; about 300 bytes a row.
 */
import { isMapped, type Prefix, parseAddress, parsePrefix } from './address.js'
import { Prefix4Table, PrefixTable, Word4Table, WordTable, word } from './address-table.js'
import { EntityRows, type Row } from './entity-rows.js'
import { says } from './identity.js'
import type { World } from './world.js'

/** An entry of the datapath's `identities`. */
export interface EntityPrefix extends Prefix {
  readonly identity: number
  readonly entity: number
  readonly endpoint: number
}

const MAPPED_PREFIX = 0xffff
const MAPPED_BITS = 96

/** What a new world brings. */
export interface EntityChange extends PrefixChange {
  /** Pods that the last world named and this one does not. */
  readonly deletedPods: readonly { readonly namespace: string; readonly pod: string }[]
  /** Rows stand for others than before: whoever remembers names by row must forget them. */
  readonly reused: boolean
}

/** What makes the entries of one world those of another. */
export interface PrefixChange {
  /** New, or for another entity than before. */
  readonly added: readonly EntityPrefix[]
  /** Of prefixes that there are no more. */
  readonly removed: readonly EntityPrefix[]
}

export class Entities {
  /** Look-ups that found nothing. */
  misses = 0
  readonly #rows: EntityRows
  #says = new Uint8Array(0)
  #prefixes: readonly EntityPrefix[] = []
  #byIdentity = new WordTable(0)
  #exact = new WordTable(0)
  #exact6 = new Word4Table(0)
  #cidrs = new PrefixTable([], [])
  #cidrs6 = new Prefix4Table([], [])

  /** `mostGone`: rows kept of former worlds; for tests. */
  static from(world: World, mostGone?: number): Entities {
    return new Entities(world, mostGone)
  }

  private constructor(world: World, mostGone: number | undefined) {
    this.#rows = new EntityRows(mostGone)
    this.#take(world)
  }

  /**
   * Another world from now on. What it says of an identity or an endpoint as the last one did, whatever the addresses,
   * keeps its row; anything else has a row of its own, and the row that it had keeps its names.
   */
  update(world: World): EntityChange {
    const { reused } = this.#rows
    const before = this.#prefixes
    const pods = this.#rows.pods()
    this.#take(world)
    for (const name of this.#rows.pods().keys()) pods.delete(name)
    const deletedPods = [...pods.values()].map(({ namespace, pod }) => ({ namespace, pod }))
    return { ...prefixChange(before, this.#prefixes), deletedPods, reused: this.#rows.reused > reused }
  }

  #take(world: World): void {
    const { identities, endpoints } = this.#rows.take(world)
    const { rows } = this.#rows
    const hosts = hostsOf(world, endpoints, rows)
    const cidrs = cidrsOf(world, identities)
    this.#says = Uint8Array.from(rows, row => says(row.identity))
    this.#prefixes = prefixesOf(hosts, cidrs)
    this.#byIdentity = new WordTable(identities.size)
    for (const [identity, row] of identities) this.#byIdentity.set(identity, row)
    const ipv4 = hosts.filter(host => isMapped(host.addr)).length
    this.#exact = new WordTable(ipv4)
    this.#exact6 = new Word4Table(hosts.length - ipv4)
    for (const { addr, entity } of hosts) {
      if (isMapped(addr)) this.#exact.set(word(addr, 12), entity)
      else this.#exact6.set(word(addr, 0), word(addr, 4), word(addr, 8), word(addr, 12), entity)
    }
    const [four, six] = split(cidrs)
    this.#cidrs = new PrefixTable(four, four.map(rowOf))
    this.#cidrs6 = new Prefix4Table(six, six.map(rowOf))
  }

  /** Rows of former worlds that were given away. */
  get reused(): number {
    return this.#rows.reused
  }
  /** Rows, the unknown one included. */
  get count(): number {
    return this.#rows.rows.length
  }
  identity(entity: number): number {
    return this.#row(entity).identity
  }
  /** Endpoint id of a local endpoint, else 0. */
  endpoint(entity: number): number {
    return this.#row(entity).endpoint
  }
  namespace(entity: number): string {
    return this.#row(entity).namespace
  }
  /** The workload's name; a pod's own without one; `host`, `world`, a CIDR ... for what is no pod. */
  workload(entity: number): string {
    return this.#row(entity).workload
  }
  /** `Deployment`, ...; empty when the world names none. */
  workloadKind(entity: number): string {
    return this.#row(entity).workloadKind
  }
  pod(entity: number): string {
    return this.#row(entity).pod
  }
  /** Of the labels that name an application, the first that a pod has; '' without. */
  app(entity: number): string {
    return this.#row(entity).app
  }
  /** A service's own name; a pod's: the first by name of those whose backend it is; '' without. */
  service(entity: number): string {
    return this.#row(entity).service
  }
  /** The node that it runs on; a node's own name; '' when the world names none. */
  node(entity: number): string {
    return this.#row(entity).node
  }
  zone(entity: number): string {
    return this.#row(entity).zone
  }
  labels(entity: number): readonly string[] {
    return this.#row(entity).labels
  }

  /**
   * HOT: entity of the address at `at` (16 bytes when `ipv6`, mapped IPv4 included; else 4; none when negative),
   * for which a record says `identity` (0: nothing). An endpoint's own address decides. Else the longest CIDR and the
   * record's identity compete, and who says more wins: a workload before a node, a CIDR's, the world; the CIDR on a
   * tie. So 0.0.0.0/0 hides no pod of another node, and a record that says "world" hides no CIDR. Guard: bench `reduce-weir`.
   */
  resolve(bytes: Uint8Array, at: number, ipv6: boolean, identity: number): number {
    let cidr = 0
    if (at >= 0) {
      const a = word(bytes, at)
      const b = ipv6 ? word(bytes, at + 4) : 0
      const c = ipv6 ? word(bytes, at + 8) : 0
      if (ipv6 && (a !== 0 || b !== 0 || c !== MAPPED_PREFIX)) {
        const d = word(bytes, at + 12)
        const row = this.#exact6.find(a, b, c, d)
        if (row !== 0) return row
        cidr = this.#cidrs6.find(a, b, c, d)
      } else {
        const key = ipv6 ? word(bytes, at + 12) : a
        const row = this.#exact.find(key)
        if (row !== 0) return row
        cidr = this.#cidrs.find(key)
      }
    }
    const said = identity === 0 ? 0 : this.#byIdentity.find(identity)
    const row = this.#says[said]! > this.#says[cidr]! ? said : cidr
    if (row === 0) this.misses++
    return row
  }

  /** Entity of an identity alone, as of a record without its packet; row 0 and a miss when it is not known. */
  byIdentity(identity: number): number {
    const row = identity === 0 ? 0 : this.#byIdentity.find(identity)
    if (row === 0) this.misses++
    return row
  }

  /** A number that is no row's, as damaged bytes may hold, is unknown. */
  #row(entity: number): Row {
    const { rows } = this.#rows
    return rows[entity] ?? rows[0]!
  }

  /** What resolve() knows of addresses, for the kernel's longest-prefix trie of mapped addresses. */
  prefixes(): readonly EntityPrefix[] {
    return this.#prefixes
  }
}

/** An address of two endpoints is the local one's, else the later one's. */
function hostsOf(world: World, numbers: readonly number[], rows: readonly Row[]): EntityPrefix[] {
  const hosts = new Map<string, EntityPrefix & { local: boolean }>()
  for (const [i, { ips, local }] of world.endpoints.entries()) {
    const entity = numbers[i]!
    const { identity, endpoint } = rows[entity]!
    for (const ip of ips) {
      const addr = parseAddress(ip)
      const key = addr.join('.')
      if (hosts.get(key)?.local && !local) continue
      hosts.set(key, { bits: 128, addr, identity, entity, endpoint, local })
    }
  }
  return [...hosts.values()].map(({ local: _, ...host }) => host)
}

function cidrsOf(world: World, identities: ReadonlyMap<number, number>): EntityPrefix[] {
  return Object.entries(world.cidrs).map(([text, identity]) => {
    const entity = identities.get(identity)!
    return { ...parsePrefix(text), identity, entity, endpoint: 0 }
  })
}

/** Endpoints win over a CIDR of their one address. */
function prefixesOf(hosts: readonly EntityPrefix[], cidrs: readonly EntityPrefix[]): EntityPrefix[] {
  const all = new Map<string, EntityPrefix>()
  for (const prefix of [...cidrs, ...hosts]) all.set(keyOf(prefix), prefix)
  const mapped = { ...parsePrefix('0.0.0.0/0'), identity: 0, entity: 0, endpoint: 0 }
  const key = keyOf(mapped)
  // In the trie ::/0 also covers mapped addresses; IPv6 prefixes must not name IPv4 addresses.
  if (!all.has(key) && cidrs.some(cidr => cidr.bits < MAPPED_BITS)) all.set(key, mapped)
  return [...all.values()]
}

/** IPv4 and IPv6 prefixes. */
function split(cidrs: readonly EntityPrefix[]): [EntityPrefix[], EntityPrefix[]] {
  const isIpv4 = (prefix: Prefix) => prefix.bits >= MAPPED_BITS && isMapped(prefix.addr)
  return [cidrs.filter(isIpv4), cidrs.filter(cidr => !isIpv4(cidr))]
}

function rowOf(prefix: EntityPrefix): number {
  return prefix.entity
}

function keyOf({ bits, addr }: Prefix): string {
  return `${bits}:${addr.join('.')}`
}

export function prefixChange(before: readonly EntityPrefix[], after: readonly EntityPrefix[]): PrefixChange {
  const rest = new Map(before.map(prefix => [keyOf(prefix), prefix]))
  const added: EntityPrefix[] = []
  for (const prefix of after) {
    const key = keyOf(prefix)
    const old = rest.get(key)
    rest.delete(key)
    if (old === undefined || !isSame(old, prefix)) added.push(prefix)
  }
  return { added, removed: [...rest.values()] }
}

function isSame(a: EntityPrefix, b: EntityPrefix): boolean {
  return a.identity === b.identity && a.entity === b.entity && a.endpoint === b.endpoint
}
