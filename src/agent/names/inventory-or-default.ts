// SPDX-License-Identifier: Apache-2.0
/**
 * inventory-or-default.ts - the inventory of a command with an optional inventory file.
 */
import { defaultInventory, type Inventory, loadInventory } from '../../datapath/inventory/inventory.js'

/** Without a file: only the host and world identities. Throws if the file is missing or invalid. */
export function inventoryOrDefault(path: string | undefined): Inventory {
  return path === undefined ? defaultInventory() : loadInventory(path)
}
