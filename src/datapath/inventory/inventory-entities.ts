// SPDX-License-Identifier: Apache-2.0
/**
 * inventory-entities.ts - creates the entities of an inventory.
 */
import { Entities, type EntityOptions } from '../identity/entities.js'
import type { Inventory } from './inventory.js'
import { inventoryChanges } from './inventory-changes.js'

export function entitiesOf(inventory: Inventory, options?: EntityOptions): Entities {
  const entities = new Entities(options)
  entities.apply(inventoryChanges(undefined, inventory))
  return entities
}
