// SPDX-License-Identifier: Apache-2.0
/**
 * identity.ts - `weir identity`: the labels of numeric identities.
 *
 * In:    the identities of an inventory file, and Cilium's reserved ones.
 * Out:   a table as printed by `cilium identity list`: one label per line.
 */
import { RESERVED, reservedLabels } from '../datapath/identity/identity.js'
import { type Inventory, loadInventory } from '../datapath/inventory/inventory.js'
import { InventoryResolver } from '../hubble/flow/inventory-resolver.js'
import { plainText } from '../lib/plain-text.js'

const COLUMN = 12

/** The exit code. */
export function identityList(inventoryFile: string | undefined): number {
  const inventory = inventoryFile === undefined ? undefined : loadInventory(inventoryFile)
  const resolver = inventory && InventoryResolver.from(inventory)
  const numbers = inventory === undefined ? [...RESERVED.keys()] : numbersOf(inventory)
  // 0 means unknown, so it is not listed.
  const rows = numbers.filter(number => number > 0).map(number => [number, labelsOf(resolver, number)] as const)
  process.stdout.write(table(rows))
  return 0
}

/** The exit code. Throws if the identity has no labels. */
export function identityGet(number: number, inventoryFile: string | undefined): number {
  const inventory = inventoryFile === undefined ? undefined : loadInventory(inventoryFile)
  const labels = labelsOf(inventory && InventoryResolver.from(inventory), number)
  if (labels.length === 0) throw new Error(`identity ${number}: no labels; see weir identity list`)
  process.stdout.write(table([[number, labels]]))
  return 0
}

function numbersOf({ identities, cidrs, endpoints }: Inventory): number[] {
  const numbers = new Set([
    ...RESERVED.keys(),
    ...Object.keys(identities).map(Number),
    ...Object.values(cidrs),
    ...endpoints.map(endpoint => endpoint.identity),
  ])
  return [...numbers].sort((a, b) => a - b)
}

function labelsOf(resolver: InventoryResolver | undefined, number: number): readonly string[] {
  return resolver?.labels(number) ?? reservedLabels(number)
}

function table(rows: readonly (readonly [number, readonly string[]])[]): string {
  const lines = [`${'ID'.padEnd(COLUMN)}LABELS`]
  for (const [number, labels] of rows) {
    const [first = '', ...rest] = labels.map(plainText)
    lines.push(`${String(number).padEnd(COLUMN)}${first}`.trimEnd())
    for (const label of rest) lines.push(`${''.padEnd(COLUMN)}${label}`)
  }
  return `${lines.join('\n')}\n`
}
