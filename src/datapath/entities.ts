/**
 * entities.ts - who stands at an end: dense rows with names, found by address or identity.
 *
 * In:    a World.
 * Out:   row numbers (entities) for addresses, names for rows, prefixes for the kernel's trie.
 *        Row 0 is unknown; then a row each reserved, labelled, CIDR and endpoint identity; then one each endpoint.
 * Fail:  an address that nothing names is row 0 and counted in `misses`.
 * Never: grows after it was built: at most the world's endpoints and identities, about 300 bytes a row.
 */
import { isMapped, type Prefix, parseAddress, parsePrefix } from './address.js'
import { Prefix4Table, PrefixTable, Word4Table, WordTable, word } from './address-table.js'
import { nameOf, RESERVED, says } from './identity.js'
import type { World, WorldEndpoint } from './world.js'

interface Row {
  readonly identity: number
  /** Endpoint id, local endpoints only, else 0. */
  readonly endpoint: number
  readonly namespace: string
  readonly pod: string
  readonly workload: string
  readonly workloadKind: string
  readonly labels: readonly string[]
}

/** An entry of the datapath's `identities`. */
export interface EntityPrefix extends Prefix {
  readonly identity: number
  readonly entity: number
  readonly endpoint: number
}

const MAPPED_PREFIX = 0xffff
const MAPPED_BITS = 96
const NO_LABELS: readonly string[] = []

export class Entities {
  /** Look-ups that found nothing. */
  misses = 0
  readonly #rows: Row[]
  readonly #says: Uint8Array
  readonly #prefixes: EntityPrefix[]
  readonly #byIdentity: WordTable
  readonly #exact: WordTable
  readonly #exact6: Word4Table
  readonly #cidrs: PrefixTable
  readonly #cidrs6: Prefix4Table

  static from(world: World): Entities {
    return new Entities(world)
  }

  private constructor(world: World) {
    const identities = new Map<number, number>()
    this.#rows = identityRows(world, identities)
    const hosts = hostsOf(world, this.#rows)
    const cidrs = cidrsOf(world, identities)
    this.#says = Uint8Array.from(this.#rows, row => says(row.identity))
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

  /** Rows, the unknown one included. */
  get count(): number {
    return this.#rows.length
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
    return this.#rows[entity] ?? this.#rows[0]!
  }

  /** What resolve() knows of addresses, for the kernel's longest-prefix trie of mapped addresses. */
  prefixes(): readonly EntityPrefix[] {
    return this.#prefixes
  }
}

/** Rows 0 to 10 are the reserved identities; `identities` gets the row of each number. */
function identityRows(world: World, identities: Map<number, number>): Row[] {
  const rows: Row[] = []
  const numbers = [
    ...RESERVED.keys(),
    ...Object.keys(world.identities).map(Number),
    ...Object.values(world.cidrs),
    ...world.endpoints.map(endpoint => endpoint.identity),
  ]
  for (const identity of numbers) {
    if (identities.has(identity)) continue
    identities.set(identity, rows.length)
    const labels = world.identities[identity] ?? NO_LABELS
    rows.push({ identity, endpoint: 0, ...nameOf(identity, labels), pod: '', workloadKind: '', labels })
  }
  return rows
}

/** Appends a row each endpoint. An address of two endpoints is the local one's, else the later one's. */
function hostsOf(world: World, rows: Row[]): EntityPrefix[] {
  const hosts = new Map<string, EntityPrefix & { local: boolean }>()
  for (const endpoint of world.endpoints) {
    const entity = rows.length
    const row = endpointRow(endpoint, world.identities[endpoint.identity] ?? NO_LABELS)
    rows.push(row)
    for (const ip of endpoint.ips) {
      const addr = parseAddress(ip)
      const key = addr.join('.')
      if (hosts.get(key)?.local && !endpoint.local) continue
      hosts.set(key, { bits: 128, addr, identity: row.identity, entity, endpoint: row.endpoint, local: endpoint.local })
    }
  }
  return [...hosts.values()].map(({ local: _, ...host }) => host)
}

function endpointRow(endpoint: WorldEndpoint, labels: readonly string[]): Row {
  const { identity, pod } = endpoint
  const byLabels = nameOf(identity, labels)
  return {
    identity,
    endpoint: endpoint.local ? endpoint.id : 0,
    namespace: endpoint.namespace || byLabels.namespace,
    pod,
    workload: endpoint.workload?.name || pod || byLabels.workload,
    workloadKind: endpoint.workload?.kind ?? '',
    labels,
  }
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
  for (const prefix of [...cidrs, ...hosts]) all.set(`${prefix.bits}:${prefix.addr.join('.')}`, prefix)
  const mapped = { ...parsePrefix('0.0.0.0/0'), identity: 0, entity: 0, endpoint: 0 }
  const key = `${mapped.bits}:${mapped.addr.join('.')}`
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
