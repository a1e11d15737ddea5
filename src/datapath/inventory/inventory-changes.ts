// SPDX-License-Identifier: Apache-2.0
/**
 * inventory-changes.ts - the difference between two inventories as entity changes.
 *
 * In:    the previous inventory, or none, and the current one.
 * Out:   one batch of any size. A pod's key is its namespace and name, so its other fields may change in place. The key
 *        of an endpoint without a pod name is made from its fields.
 */
import { formatAddress, formatPrefix, parseAddress, parsePrefix } from '../../lib/address.js'
import { isSameList } from '../identity/entity.js'
import { BARE_FACTS, type EndpointFacts, type EntityChanges, type IdentityFacts } from '../identity/entity-changes.js'
import { SERVICE_IDENTITY } from '../identity/identity.js'
import type { Inventory, InventoryEndpoint } from './inventory.js'

const NO_INVENTORY = { identities: {}, endpoints: [], cidrs: {}, services: [], nodes: [] } as unknown as Inventory

export function inventoryChanges(before: Inventory = NO_INVENTORY, after: Inventory): EntityChanges {
  const previous = factsOf(before)
  const current = factsOf(after)
  const labels = changedIdentities(before, after)
  const renamed = new Set(labels.map(({ identity }) => identity))
  const known = identitiesOf(after)
  return {
    identities: labels,
    removals: [...previous.keys()].filter(key => !current.has(key)),
    upserts: [...current.values()].filter(
      facts => renamed.has(facts.identity) || !isSame(previous.get(facts.key), facts),
    ),
    forgotten: [...identitiesOf(before)].filter(identity => !known.has(identity)),
    synced: true,
  }
}

/** Endpoint facts by key. If two share an address, the one that wins it comes first. */
function factsOf(inventory: Inventory): Map<string, EndpointFacts> {
  const facts = new Map<string, EndpointFacts>()
  const add = (endpoint: EndpointFacts) => facts.set(endpoint.key, endpoint)
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
    add({ ...BARE_FACTS, ...names, kind: 'pod', key: uniqueKey(facts, baseKey(endpoint)), ips })
  }
  for (const { ip, port, namespace, name } of inventory.services) {
    const key = `service/${namespace}/${name}/${ip}`
    const ports = [...(facts.get(key)?.ports ?? []), { protocol: 'TCP' as const, port }]
    const identity = SERVICE_IDENTITY
    add({ ...BARE_FACTS, key, kind: 'service', ips: canonical([ip]), namespace, service: name, identity, ports })
  }
  return facts
}

/** The index of the endpoint that owns each address: a local endpoint wins, else the last one. */
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

/** The key, or the key with a number if another endpoint with the same fields has it. */
function uniqueKey(facts: ReadonlyMap<string, unknown>, key: string): string {
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? key : `${key}#${n}`
    if (!facts.has(candidate)) return candidate
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
    const previous = known.has(identity) ? (before.identities[identity] ?? []) : undefined
    if (previous === undefined || !isSameList(previous, labels)) changed.push({ identity, labels })
  }
  return changed
}

function canonical(ips: readonly string[]): string[] {
  return ips.map(ip => formatAddress(parseAddress(ip)))
}

function isSame(a: EndpointFacts | undefined, b: EndpointFacts): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b)
}
