// SPDX-License-Identifier: Apache-2.0
/**
 * inventory-entities.ts - creates the entities of an inventory, and those of special addresses.
 */
import { Entities, type EntityOptions } from '../identity/entities.js'
import { SPECIAL_ADDRESSES } from '../identity/special-addresses.js'
import type { Inventory } from './inventory.js'
import { inventoryChanges } from './inventory-changes.js'

/** `live`: special addresses have entities of their own. A recording says itself which identities its addresses have. */
export function entitiesOf(inventory: Inventory, options?: EntityOptions, live = false): Entities {
  const entities = new Entities(options)
  entities.apply(live ? SPECIAL_ADDRESSES : { ...SPECIAL_ADDRESSES, upserts: [] })
  entities.apply(inventoryChanges(undefined, inventory))
  return entities
}
