// SPDX-License-Identifier: Apache-2.0
/**
 * inventory-worker.ts - the thread that parses large inventories and compares them, so that the main thread drains the ring.
 *
 * In:    the inventory in effect, as workerData; the text of each new file; `applied` when it is in effect.
 * Out:   for each text either `refused` with one line, or `changes` in small batches and then `complete`.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { type Inventory, parseInventory } from '../../datapath/inventory/inventory.js'
import { inventoryChanges } from '../../datapath/inventory/inventory-changes.js'
import { type PackedChanges, pack } from '../../kubernetes/cluster/packed-changes.js'
import { slices } from '../names/change-slices.js'
import type { InventoryTables } from '../names/name-updates.js'

export type ToInventoryWorker =
  | { readonly kind: 'text'; readonly text: string; readonly name: string }
  /** The last inventory that was complete is in effect: the next is compared with it. */
  | { readonly kind: 'applied' }

export type FromInventoryWorker =
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'changes'; readonly packed: PackedChanges }
  | { readonly kind: 'complete'; readonly tables: InventoryTables }

/** The inventory in effect: small ones as they are, large ones as their text. */
export type InventoryInEffect = { readonly inventory: Inventory } | { readonly text: string; readonly name: string }

const inEffect = workerData as InventoryInEffect
let current = 'text' in inEffect ? parseInventory(inEffect.text, inEffect.name) : inEffect.inventory
let next = current

const post = (message: FromInventoryWorker, transfer: readonly ArrayBuffer[] = []): void =>
  parentPort!.postMessage(message, transfer)

parentPort!.on('message', (message: ToInventoryWorker) => {
  if (message.kind === 'applied') current = next
  else compare(message.text, message.name)
})

function compare(text: string, name: string): void {
  try {
    next = parseInventory(text, name)
  } catch (error) {
    post({ kind: 'refused', message: (error as Error).message })
    return
  }
  for (const slice of slices(inventoryChanges(current, next))) {
    const packed = pack(slice)
    post({ kind: 'changes', packed }, [packed.words.buffer])
  }
  const { dns, links, cgroups } = next
  post({ kind: 'complete', tables: { dns, links, cgroups } })
}
