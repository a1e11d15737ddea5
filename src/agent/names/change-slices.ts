// SPDX-License-Identifier: Apache-2.0
/**
 * change-slices.ts - cuts a batch of entity changes into slices that are applied one at a time.
 *
 * Out:   slices in the order in which the parts of a batch must be applied.
 */
import { type EntityChanges, NO_CHANGES } from '../../datapath/identity/entity-changes.js'

/** Entities per slice. */
const SLICE = 64

export function* slices({ identities, removals, upserts, forgotten, synced }: EntityChanges): Generator<EntityChanges> {
  for (const part of cut(identities)) yield { ...NO_CHANGES, identities: part }
  for (const part of cut(removals)) yield { ...NO_CHANGES, removals: part }
  for (const part of cut(upserts)) yield { ...NO_CHANGES, upserts: part }
  for (const part of cut(forgotten)) yield { ...NO_CHANGES, forgotten: part }
  if (synced) yield { ...NO_CHANGES, synced }
}

function* cut<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let at = 0; at < items.length; at += SLICE) yield items.slice(at, at + SLICE)
}
