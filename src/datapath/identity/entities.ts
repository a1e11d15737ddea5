/**
 * entities.ts - who stands at an end: dense rows with names, found by address or identity.
 *
 * In:    changes of what became known, a batch at a time.
 * Out:   row numbers (entities) for addresses, names for rows, changed entries for the kernel's trie.
 *        Row 0 is unknown, 1 to 10 are the other reserved identities.
 *        A row is one key's names at its addresses: who gets another name or gives an address away gets another row, so
 *        that what bears the old number can be told from what came after.
 * Fail:  an address that nothing names is row 0 and counted in `misses`.
 * Never: grows past MOST_ROWS: then rows are refused, and counted.
 */
import type { Prefix } from '../../lib/address.js'
import { WordTable, word } from './address-table.js'
import { EntityAddresses, type PrefixState } from './entity-addresses.js'
import type { EndpointFacts, EndpointKind, EntityChanges, IdentityFacts } from './entity-changes.js'
import type { Row, RowColumns } from './entity-columns.js'
import { EntityRows } from './entity-ids.js'
import { identityRow, isSameList, isSameRow, rowOf } from './entity-row.js'
import { type Holding, Holdings, NOTHING } from './holdings.js'
import { RESERVED, reservedLabels } from './identity.js'

/** An entry of the datapath's `identities`. */
export interface EntityPrefix extends Prefix {
  readonly identity: number
  readonly entity: number
  readonly endpoint: number
  /** A name may come for what is in it. */
  readonly waits: boolean
  /** Or to be taken out. */
  readonly there: boolean
}

export interface PodName {
  readonly namespace: string
  readonly pod: string
}

export interface EntityOptions {
  /** How long the names of what is gone stay, for records that come late. */
  readonly ttlMs?: number | undefined
  /** Rows of what is gone that are kept at most; for tests. */
  readonly mostGone?: number
  /** Milliseconds that never go back; for tests. */
  readonly now?: () => number
}

const MAPPED_PREFIX = 0xffff
const NO_LABELS: readonly string[] = []
/** Where pods may be: RFC 1918, RFC 6598 (CGNAT), RFC 3927, RFC 4193 (ULA), link-local. */
const PRIVATE = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  'fc00::/7',
  'fe80::/10',
]

export class Entities {
  /** Look-ups that found nothing. */
  misses = 0
  /** Batches begun: as long as it stays, the same address and identity are the same entity's. */
  version = 0
  /** What stands at addresses, by kind. */
  readonly kinds: Record<EndpointKind, number> = { pod: 0, node: 0, service: 0, apiserver: 0, cidr: 0 }
  readonly addresses = new EntityAddresses()
  readonly #rows: EntityRows
  readonly #columns: RowColumns
  readonly #now: () => number
  readonly #holdings = new Holdings()
  readonly #labels = new Map<number, readonly string[]>()
  readonly #byIdentity = new WordTable()
  #retired: number[] = []

  constructor({ ttlMs, mostGone, now = () => performance.now() }: EntityOptions = {}) {
    this.#rows = new EntityRows(ttlMs, mostGone)
    this.#columns = this.#rows.columns
    this.#now = now
    for (const identity of RESERVED.keys()) this.#tellIdentity({ identity, labels: NO_LABELS })
  }

  /** Names may come for private addresses that have none: what has to do with them waits. */
  expectNames(): void {
    for (const prefix of PRIVATE) this.addresses.addWait(prefix)
  }

  /** Keys of what stands at addresses. */
  *keys(): Generator<string> {
    for (const { key, kind } of this.#holdings.all()) if (kind !== 'cidr') yield key
  }

  /** All of a batch, at once; the pods that it takes away. */
  apply({ identities, removals, upserts, forgotten }: EntityChanges): PodName[] {
    this.version++
    const deleted: PodName[] = []
    for (const identity of identities) this.#tellIdentity(identity)
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

  /** Numbers that stand for nobody any more and will stand for others: whoever remembers names by number must forget them. */
  recycle(): readonly number[] {
    return this.#rows.recycle(this.#now())
  }

  /** Rows that nobody has any more since the last time; their number is among rowsRetired. */
  takeRetired(): readonly number[] {
    const retired = this.#retired
    this.#retired = []
    return retired
  }

  /** Rows ever retired. */
  get rowsRetired(): number {
    return this.#rows.retired
  }

  /** No connection of the kernel bears one of the first so many rows that were retired. */
  released(rows: number): void {
    this.#rows.released = rows
  }

  /** Numbers that were freed to stand for others. */
  get reused(): number {
    return this.#rows.reused
  }
  /** Rows for which there was no number. */
  get refused(): number {
    return this.#rows.refused
  }
  /** Rows of what is gone, whose names stay. */
  get gone(): number {
    return this.#rows.gone
  }
  /** Numbers in use, the unknown one, those of what is gone and free ones included. */
  get count(): number {
    return this.#columns.length
  }
  /** Of those, the ones that somebody has. */
  get used(): number {
    return this.#rows.used
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
  /** The workload's name; a pod's own without one; `host`, `world`, a CIDR ... for what is no pod. */
  workload(entity: number): string {
    return this.#columns.workload.at(entity)
  }
  /** `Deployment`, ...; empty when the world names none. */
  workloadKind(entity: number): string {
    return this.#columns.workloadKind.at(entity)
  }
  pod(entity: number): string {
    return this.#columns.pod.at(entity)
  }
  /** Of the labels that name an application, the first that a pod has; '' without. */
  app(entity: number): string {
    return this.#columns.app.at(entity)
  }
  /** A service's own name; a pod's: the first by name of those whose backend it is; '' without. */
  service(entity: number): string {
    return this.#columns.service.at(entity)
  }
  /** The node that it runs on; a node's own name; '' when the world names none. */
  node(entity: number): string {
    return this.#columns.node.at(entity)
  }
  zone(entity: number): string {
    return this.#columns.zone.at(entity)
  }
  labels(entity: number): readonly string[] {
    return this.#columns.labels.at(entity)
  }
  /** All that is known of an entity; that of the unknown one for a number that is no row's. */
  row(entity: number): Row {
    return this.#columns.row(entity)
  }
  /** Labels of an identity number; none of one that nobody told. */
  identityLabels(identity: number): readonly string[] {
    return this.#labels.get(identity) ?? NO_LABELS
  }

  /**
   * HOT: entity of the address at `at` (16 bytes when `ipv6`, mapped IPv4 included; else 4; none when negative),
   * for which a record says `identity` (0: nothing). An endpoint's own address decides. Else the longest CIDR and the
   * record's identity compete, and who says more wins: a workload before a node, a CIDR's, the world; the CIDR on a
   * tie. So 0.0.0.0/0 hides no pod of another node, and a record that says "world" hides no CIDR. Guard: bench `reduce-weir`.
   */
  resolve(bytes: Uint8Array, at: number, ipv6: boolean, identity: number): number {
    if (at < 0) return this.#said(identity, 0)
    const a = word(bytes, at)
    if (!ipv6) return this.#resolve4(a, identity)
    const b = word(bytes, at + 4)
    const c = word(bytes, at + 8)
    const d = word(bytes, at + 12)
    if (a === 0 && b === 0 && c === MAPPED_PREFIX) return this.#resolve4(d, identity)
    const row = this.addresses.exact6(a, b, c, d)
    return row !== 0 ? row : this.#said(identity, this.addresses.cidr6(a, b, c, d))
  }

  #resolve4(address: number, identity: number): number {
    const row = this.addresses.exact4(address)
    return row !== 0 ? row : this.#said(identity, this.addresses.cidr4(address))
  }

  /** Who says more: the record's identity or the longest CIDR. */
  #said(identity: number, cidr: number): number {
    const said = identity === 0 ? 0 : this.#byIdentity.find(identity)
    const { says } = this.#rows
    const row = says.at(said) > says.at(cidr) ? said : cidr
    if (row === 0) this.misses++
    return row
  }

  /** Entity of an identity alone, as of a record without its packet; row 0 and a miss when it is not known. */
  byIdentity(identity: number): number {
    const row = identity === 0 ? 0 : this.#byIdentity.find(identity)
    if (row === 0) this.misses++
    return row
  }

  /** All that the kernel's longest-prefix trie of mapped addresses should hold. */
  prefixes(): EntityPrefix[] {
    const hosts = [...this.#holdings.all()].filter(({ kind }) => kind !== 'cidr').flatMap(({ ips }) => ips)
    return this.addresses.states(hosts).map(state => this.#entry(state))
  }

  /** At most so many of its entries that changed; they count as told. */
  takeChanged(most: number): EntityPrefix[] {
    return this.addresses.takeChanged(most).map(state => this.#entry(state))
  }

  #entry({ bits, addr, row, cidr, waits, there }: PrefixState): EntityPrefix {
    const entity = row || cidr
    // What has no identity of its own, a service or a CIDR group, has that of what is around it.
    const identity = this.identity(entity) || this.identity(cidr)
    return { bits, addr, identity, entity, endpoint: this.endpoint(entity), waits, there }
  }

  #upsert(facts: EndpointFacts): void {
    const before = this.#holdings.get(facts.key)
    const row = this.#claim(facts, before)
    const holding = { row, kind: facts.kind, ips: facts.ips, prefixes: facts.prefixes }
    if (before !== NOTHING) this.kinds[before.kind]--
    this.kinds[facts.kind]++
    this.#holdings.set(facts.key, holding)
    this.#hold(holding)
    this.#drop(before, holding)
  }

  #remove(key: string): void {
    const before = this.#holdings.get(key)
    if (before === NOTHING) return
    this.#holdings.delete(key)
    this.kinds[before.kind]--
    this.#drop(before, NOTHING)
  }

  /** The row that a key has from now on. */
  #claim(facts: EndpointFacts, before: Holding): number {
    const { identity } = facts
    if (identity !== 0 && !this.#labels.has(identity)) this.#tellIdentity({ identity, labels: NO_LABELS })
    // A CIDR of a known identity is that identity.
    if (facts.kind === 'cidr' && identity !== 0) return this.#byIdentity.find(identity)
    const row = rowOf(facts, this.#labels.get(identity) ?? NO_LABELS)
    const keeps = before.ips.every(ip => facts.ips.includes(ip))
    return before.row !== 0 && keeps && isSameRow(this.row(before.row), row) ? before.row : this.#rows.add(row)
  }

  #hold({ row, kind, ips, prefixes }: Holding): void {
    for (const ip of ips) if (this.#mayTake(ip, kind)) this.addresses.setHost(ip, row)
    for (const prefix of prefixes) {
      if (kind === 'cidr') this.addresses.setCidr(prefix, row)
      else this.addresses.addWait(prefix)
    }
  }

  /** Take from one what it has no more as the other. */
  #drop(before: Holding, after: Holding): void {
    for (const ip of before.ips) if (!after.ips.includes(ip)) this.addresses.removeHost(ip, before.row)
    for (const prefix of before.prefixes) {
      if (before.kind !== 'cidr') this.addresses.removeWait(prefix)
      else if (!after.prefixes.includes(prefix)) this.addresses.removeCidr(prefix, before.row)
    }
    const own = before.row !== 0 && this.#columns.kind(before.row) !== 'identity'
    if (own && before.row !== after.row) this.#retire(before.row)
  }

  /** A load balancer's address may be that of its nodes: they keep it. */
  #mayTake(ip: string, kind: EndpointKind): boolean {
    if (kind !== 'service') return true
    const owner = this.addresses.host(ip)
    return owner === 0 || this.#columns.kind(owner) === 'service'
  }

  #tellIdentity({ identity, labels }: IdentityFacts): void {
    const before = this.#labels.get(identity)
    const sorted = labels.length === 0 ? reservedLabels(identity) : [...labels].sort()
    if (before !== undefined && isSameList(before, sorted)) return
    this.#labels.set(identity, sorted)
    // Row 0 is what every look-up that finds nothing answers: it stays, whatever is said of identity 0.
    if (identity === 0) return
    const row = this.#byIdentity.find(identity)
    const now = this.#rows.add(identityRow(identity, sorted))
    this.#byIdentity.set(identity, now)
    if (row !== 0) this.#retire(row)
  }

  #forget(identity: number): void {
    if (identity < RESERVED.length) {
      this.#tellIdentity({ identity, labels: NO_LABELS })
      return
    }
    const row = this.#byIdentity.find(identity)
    this.#labels.delete(identity)
    if (row === 0) return
    this.#byIdentity.delete(identity)
    this.#retire(row)
  }

  #retire(row: number): void {
    this.#rows.retire(row, this.#now())
    if (this.#rows.released !== Number.POSITIVE_INFINITY) this.#retired.push(row)
  }
}
