// SPDX-License-Identifier: Apache-2.0
/**
 * special-addresses.ts - entities of addresses that belong to no single endpoint.
 *
 * Out:   one batch, applied before all others: an inventory may give the same prefixes other identities. The identities are
 *        at the end of Cilium's local scope, where an agent allocates those of CIDRs for itself.
 */
import { BARE_FACTS, type EntityChanges, NO_CHANGES } from './entity-changes.js'
import { SPECIAL } from './identity.js'

/** RFC 1112 and 4291, RFC 919, RFC 3927 and 4291, RFC 1122 and 4291. */
const PREFIXES: Readonly<Record<keyof typeof SPECIAL, readonly string[]>> = {
  multicast: ['224.0.0.0/4', 'ff00::/8'],
  broadcast: ['255.255.255.255/32'],
  'link-local': ['169.254.0.0/16', 'fe80::/10'],
  unspecified: ['0.0.0.0/32', '::/128'],
}

export const SPECIAL_ADDRESSES: EntityChanges = {
  ...NO_CHANGES,
  identities: Object.entries(SPECIAL).map(([name, identity]) => ({ identity, labels: [`weir:${name}`] })),
  upserts: Object.entries(SPECIAL).map(([name, identity]) => ({
    ...BARE_FACTS,
    key: `special/${name}`,
    kind: 'cidr',
    identity,
    prefixes: PREFIXES[name as keyof typeof SPECIAL],
  })),
}
