// SPDX-License-Identifier: Apache-2.0
/**
 * node-addresses.ts - the addresses of the node's interfaces as changes of entities.
 *
 * In:    all addresses, after each change.
 * Out:   the difference since the last call: each address is a prefix of one address with the identity host. A pod, node
 *        or Service with exactly this address keeps it: in IPVS mode kube-proxy puts every ClusterIP on an interface.
 */
import { BARE_FACTS, type EndpointFacts, type EntityChanges, NO_CHANGES } from '../identity/entity-changes.js'

const HOST = 1

export class NodeAddresses {
  #known: ReadonlySet<string> = new Set()

  /** Undefined if nothing changed. */
  changes(addresses: ReadonlySet<string>): EntityChanges | undefined {
    const before = this.#known
    this.#known = addresses
    const removals = [...before].filter(address => !addresses.has(address)).map(keyOf)
    const upserts = [...addresses].filter(address => !before.has(address)).map(factsOf)
    return removals.length + upserts.length === 0 ? undefined : { ...NO_CHANGES, removals, upserts }
  }
}

function factsOf(address: string): EndpointFacts {
  const prefix = `${address}/${address.includes(':') ? 128 : 32}`
  return { ...BARE_FACTS, key: keyOf(address), kind: 'cidr', identity: HOST, prefixes: [prefix] }
}

function keyOf(address: string): string {
  return `node-address/${address}`
}
