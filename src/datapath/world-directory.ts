/**
 * world-directory.ts - the Directory of a world file.
 *
 * In:    a World, and others that replace it.
 * Out:   its answers, from maps by address text; about 600 bytes an endpoint address.
 * Never: grows between updates, except a bounded cache of longest prefixes.
 */
import { formatAddress, isMapped, parseAddress, parsePrefix } from './address.js'
import { Prefix4Table, PrefixTable, word } from './address-table.js'
import type { Directory, LocalEndpoint, PodName } from './directory.js'
import type { Service } from './flow.js'
import { reservedLabels } from './identity.js'
import type { World, WorldEndpoint } from './world.js'

/** Addresses of the world outside whose prefix was looked up; past it the cache starts anew. About 6 MB. */
const MOST_CACHED = 65_536
const MAPPED_BITS = 96
const NONE: readonly string[] = []

export class WorldDirectory implements Directory {
  version = 0
  readonly #local = new Map<string, LocalEndpoint>()
  readonly #localById = new Map<number, LocalEndpoint>()
  readonly #pods = new Map<string, PodName & { readonly identity: number }>()
  readonly #labels = new Map<number, readonly string[]>()
  readonly #services = new Map<string, Service>()
  readonly #names = new Map<string, readonly string[]>()
  #links: Readonly<Record<string, string>> = {}
  readonly #cgroups = new Map<string, string>()
  #prefixes = new Prefixes({})
  readonly #byPrefix = new Map<string, number>()

  constructor(world: World) {
    this.#take(world)
  }

  /** Answer by another world from now on. */
  update(world: World): void {
    for (const map of [this.#local, this.#localById, this.#pods, this.#labels, this.#services]) map.clear()
    for (const map of [this.#names, this.#cgroups, this.#byPrefix]) map.clear()
    this.#take(world)
    this.version++
  }

  #take(world: World): void {
    for (const [identity, labels] of Object.entries(world.identities)) this.#labels.set(+identity, [...labels].sort())
    for (const endpoint of world.endpoints) this.#add(endpoint)
    for (const { ip, port, namespace, name } of world.services) {
      this.#services.set(`${canonical(ip)}/${port}`, { name, namespace })
    }
    for (const [ip, names] of Object.entries(world.dns)) {
      this.#names.set(canonical(ip), names.map(name => name.replace(/\.$/, '')).sort())
    }
    // namespace/pod/ip; the names are those of the endpoint.
    for (const [id, text] of Object.entries(world.cgroups)) this.#cgroups.set(id, text.slice(text.lastIndexOf('/') + 1))
    this.#links = world.links
    this.#prefixes = new Prefixes(world.cidrs)
  }

  localEndpoint(ip: string): LocalEndpoint | undefined {
    return this.#local.get(ip)
  }
  localEndpointById(id: number): LocalEndpoint | undefined {
    return this.#localById.get(id)
  }
  identity(ip: string): number {
    if (ip === '') return 0
    const pod = this.#pods.get(ip)
    if (pod !== undefined) return pod.identity
    let identity = this.#byPrefix.get(ip)
    if (identity === undefined) {
      identity = this.#prefixes.find(ip)
      if (this.#byPrefix.size >= MOST_CACHED) this.#byPrefix.clear()
      this.#byPrefix.set(ip, identity)
    }
    return identity
  }
  pod(ip: string): PodName | undefined {
    return this.#pods.get(ip)
  }
  labels(identity: number): readonly string[] {
    return this.#labels.get(identity) ?? reservedLabels(identity)
  }
  service(ip: string, port: number): Service | undefined {
    return port === 0 ? undefined : this.#services.get(`${ip}/${port}`)
  }
  names(ip: string): readonly string[] {
    return this.#names.get(ip) ?? NONE
  }
  linkName(ifindex: number): string {
    return this.#links[ifindex] ?? ''
  }
  cgroupAddress(cgroup: string, ipv6: boolean): string | undefined {
    const ip = this.#cgroups.get(cgroup)
    if (ip === undefined || ip.includes(':') !== ipv6) return undefined
    return ip
  }

  /** An address of two endpoints is the local one's, else the later one's. */
  #add(endpoint: WorldEndpoint): void {
    const { id, identity, namespace, pod, local } = endpoint
    const workload = endpoint.workload && { name: endpoint.workload.name, kind: endpoint.workload.kind }
    const here = { id, identity, namespace, pod, labels: this.labels(identity), workload }
    if (local) this.#localById.set(id, here)
    for (const text of endpoint.ips) {
      const ip = canonical(text)
      if (!local && this.#local.has(ip)) continue
      this.#pods.set(ip, { namespace, pod, identity })
      if (local) this.#local.set(ip, here)
    }
  }
}

/** Longest prefix to identity. */
class Prefixes {
  readonly #identities: number[] = [0]
  readonly #ipv4: PrefixTable
  readonly #ipv6: Prefix4Table

  constructor(cidrs: Readonly<Record<string, number>>) {
    const all = Object.entries(cidrs).map(([text, identity]) => {
      const prefix = parsePrefix(text)
      const row = this.#identities.push(identity) - 1
      return { ...prefix, row, ipv4: prefix.bits >= MAPPED_BITS && isMapped(prefix.addr) }
    })
    const four = all.filter(prefix => prefix.ipv4)
    const six = all.filter(prefix => !prefix.ipv4)
    const rows = (list: typeof all) => list.map(prefix => prefix.row)
    this.#ipv4 = new PrefixTable(four, rows(four))
    this.#ipv6 = new Prefix4Table(six, rows(six))
  }

  find(ip: string): number {
    const bytes = parseAddress(ip)
    const last = word(bytes, 12)
    const row = isMapped(bytes)
      ? this.#ipv4.find(last)
      : this.#ipv6.find(word(bytes, 0), word(bytes, 4), word(bytes, 8), last)
    return this.#identities[row]!
  }
}

function canonical(ip: string): string {
  return formatAddress(parseAddress(ip))
}
