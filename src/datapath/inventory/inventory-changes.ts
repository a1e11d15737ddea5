/**
 * inventory-changes.ts - an inventory file as changes: what it says otherwise than the one before.
 *
 * In:    two Worlds; the first may be none.
 * Out:   one batch, of any size. A pod's key is its name, so its names may change under it; what has no name of its own
 *        is told apart by its content.
 */
import { formatAddress, formatPrefix, parseAddress, parsePrefix } from '../../lib/address.js'
import { isSameList } from '../identity/entity.js'
import { BARE_FACTS, type EndpointFacts, type EntityChanges, type IdentityFacts } from '../identity/entity-changes.js'
import type { Inventory, InventoryEndpoint } from './inventory.js'

const NO_WORLD = { identities: {}, endpoints: [], cidrs: {}, services: [], nodes: [] } as unknown as Inventory

export function inventoryChanges(before: Inventory = NO_WORLD, after: Inventory): EntityChanges {
  const old = factsOf(before)
  const now = factsOf(after)
  const labels = changedIdentities(before, after)
  const renamed = new Set(labels.map(({ identity }) => identity))
  const known = identitiesOf(after)
  return {
    identities: labels,
    removals: [...old.keys()].filter(key => !now.has(key)),
    upserts: [...now.values()].filter(facts => renamed.has(facts.identity) || !isSame(old.get(facts.key), facts)),
    forgotten: [...identitiesOf(before)].filter(identity => !known.has(identity)),
    synced: true,
  }
}

/** By key, the ones that win an address before the ones that lose it. */
function factsOf(inventory: Inventory): Map<string, EndpointFacts> {
  const facts = new Map<string, EndpointFacts>()
  const add = (one: EndpointFacts) => facts.set(one.key, one)
  for (const [text, identity] of Object.entries(inventory.cidrs)) {
    const prefix = formatPrefix(parsePrefix(text))
    add({ ...BARE_FACTS, key: `cidr/${prefix}`, kind: 'cidr', prefixes: [prefix], identity })
  }
  for (const node of inventory.nodes) {
    const { name, zone, local } = node
    const key = `node/${name}`
    add({
      ...BARE_FACTS,
      key,
      kind: 'node',
      ips: canonical(node.ips),
      node: name,
      zone,
      identity: local ? 1 : 6,
      local,
    })
  }
  const owners = ownersOf(inventory.endpoints)
  for (const [i, endpoint] of inventory.endpoints.entries()) {
    const ips = canonical(endpoint.ips).filter(ip => owners.get(ip) === i)
    const { identity, namespace, pod, workload, app, service, node, zone, local, id } = endpoint
    const names = { identity, namespace, pod, workload, app, service, node, zone, local, endpoint: id }
    add({ ...BARE_FACTS, ...names, kind: 'pod', key: unused(facts, baseKey(endpoint)), ips })
  }
  for (const { ip, port, namespace, name } of inventory.services) {
    const key = `service/${namespace}/${name}/${ip}`
    const ports = [...(facts.get(key)?.ports ?? []), { protocol: 'TCP' as const, port }]
    add({ ...BARE_FACTS, key, kind: 'service', ips: canonical([ip]), namespace, service: name, ports })
  }
  return facts
}

/** An address of two endpoints is the local one's, else the later one's. */
function ownersOf(endpoints: readonly InventoryEndpoint[]): Map<string, number> {
  const owners = new Map<string, number>()
  for (const [i, { ips, local }] of endpoints.entries()) {
    for (const ip of canonical(ips)) {
      const owner = owners.get(ip)
      if (owner === undefined || local || !endpoints[owner]!.local) owners.set(ip, i)
    }
  }
  return owners
}

function baseKey({ namespace, pod, id, identity, workload }: InventoryEndpoint): string {
  if (pod !== '') return `pod/${namespace}/${pod}`
  return JSON.stringify(['endpoint', namespace, id, identity, workload?.kind, workload?.name])
}

/** Of endpoints that nothing tells apart each has its own key. */
function unused(facts: ReadonlyMap<string, unknown>, key: string): string {
  for (let n = 1; ; n++) {
    const own = n === 1 ? key : `${key}#${n}`
    if (!facts.has(own)) return own
  }
}

function identitiesOf(inventory: Inventory): Set<number> {
  return new Set([
    ...Object.keys(inventory.identities).map(Number),
    ...Object.values(inventory.cidrs),
    ...inventory.endpoints.map(({ identity }) => identity),
  ])
}

function changedIdentities(before: Inventory, after: Inventory): IdentityFacts[] {
  const known = identitiesOf(before)
  const changed: IdentityFacts[] = []
  for (const identity of identitiesOf(after)) {
    const labels = after.identities[identity] ?? []
    const old = known.has(identity) ? (before.identities[identity] ?? []) : undefined
    if (old === undefined || !isSameList(old, labels)) changed.push({ identity, labels })
  }
  return changed
}

function canonical(ips: readonly string[]): string[] {
  return ips.map(ip => formatAddress(parseAddress(ip)))
}

function isSame(a: EndpointFacts | undefined, b: EndpointFacts): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b)
}
