// SPDX-License-Identifier: Apache-2.0
/**
 * nearest.ts - suggests the known word closest to a misspelled one.
 */

/** Most typos are one or two edits. */
const MAX_EDITS = 3

/** The closest of `known`; undefined if none is close. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const max = Math.min(MAX_EDITS, Math.ceil(word.length / 2))
  const [best] = known
    .map(name => ({ name, edits: edits(word, name) }))
    .filter(({ edits }) => edits <= max)
    .sort((a, b) => a.edits - b.edits)
  return best?.name
}

/** Insertions, deletions, substitutions and swaps of neighbouring letters (optimal string alignment distance). */
function edits(a: string, b: string): number {
  let [older, old] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      row[j] = Math.min(old[j]! + 1, row[j - 1]! + 1, old[j - 1]! + same)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) row[j] = Math.min(row[j]!, older[j - 2]! + 1)
    }
    ;[older, old] = [old, row]
  }
  return old[b.length]!
}
