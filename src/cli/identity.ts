/**
 * identity.ts - `weir identity`: which labels an identity number stands for.
 *
 * In:    the numbers of a world file, and Cilium's reserved ones.
 * Out:   a table as `cilium identity list` prints it: a label a line.
 */
import { RESERVED, reservedLabels } from '../datapath/identity/identity.js'
import { loadWorld, type World } from '../datapath/inventory/inventory.js'
import { WorldDirectory } from '../hubble/flow/inventory-resolver.js'

const COLUMN = 12

/** The exit code. */
export function identityList(worldFile: string | undefined): number {
  const world = worldFile === undefined ? undefined : loadWorld(worldFile)
  const directory = world && WorldDirectory.from(world)
  const numbers = world === undefined ? [...RESERVED.keys()] : numbersOf(world)
  // 0 stands for what nobody knows, so no list has it.
  const rows = numbers.filter(number => number > 0).map(number => [number, labelsOf(directory, number)] as const)
  process.stdout.write(table(rows))
  return 0
}

/** 1, and one line on stderr, when nobody has it. */
export function identityGet(number: number, worldFile: string | undefined): number {
  const world = worldFile === undefined ? undefined : loadWorld(worldFile)
  const labels = labelsOf(world && WorldDirectory.from(world), number)
  if (labels.length === 0) throw new Error(`identity ${number}: no labels; see weir identity list`)
  process.stdout.write(table([[number, labels]]))
  return 0
}

function numbersOf({ identities, cidrs, endpoints }: World): number[] {
  const numbers = new Set([
    ...RESERVED.keys(),
    ...Object.keys(identities).map(Number),
    ...Object.values(cidrs),
    ...endpoints.map(endpoint => endpoint.identity),
  ])
  return [...numbers].sort((a, b) => a - b)
}

function labelsOf(directory: WorldDirectory | undefined, number: number): readonly string[] {
  return directory?.labels(number) ?? reservedLabels(number)
}

function table(rows: readonly (readonly [number, readonly string[]])[]): string {
  const lines = [`${'ID'.padEnd(COLUMN)}LABELS`]
  for (const [number, labels] of rows) {
    const [first = '', ...rest] = labels
    lines.push(`${String(number).padEnd(COLUMN)}${first}`.trimEnd())
    for (const label of rest) lines.push(`${''.padEnd(COLUMN)}${label}`)
  }
  return `${lines.join('\n')}\n`
}
