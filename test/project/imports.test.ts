/**
 * imports.test.ts - the rooms of src/ import only what ARCHITECTURE.md's table allows, and no files import each other in a circle.
 *
 * Type imports and import() count, too: a reader follows them as well.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import t from 'tap'

const IMPORT = /(?:\bfrom\s+|\bimport\(|\bimport\s+)'(\.[^']+)\.js'/g
const ROW = /^\| `(src\/[\w/-]+\/)` \|[^|]*\| (.*) \|$/gm

interface Room {
  readonly folder: string
  /** Folders that it may import; every room above it in the table counts when the table says so. */
  readonly mayImport: readonly string[]
}

function roomsOf(table: string): Room[] {
  const rooms: Room[] = []
  for (const [, folder, allowed] of table.matchAll(ROW)) {
    const named = [...allowed!.matchAll(/`(src\/[\w/-]+\/)`/g)].map(([, name]) => name!)
    const mayImport = allowed === 'the rooms above' ? rooms.map(room => room.folder) : named
    rooms.push({ folder: folder!, mayImport })
  }
  return rooms
}

const ROOMS = roomsOf(readFileSync('ARCHITECTURE.md', 'utf8'))
const FILES = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.ts'))
  .map(name => join('src', name))
const IMPORTS = new Map(FILES.map(file => [file, importsOf(file)]))

function importsOf(file: string): string[] {
  const specifiers = [...readFileSync(file, 'utf8').matchAll(IMPORT)].map(([, path]) => path!)
  return specifiers.map(path => `${normalize(join(dirname(file), path))}.ts`)
}

/** The smallest room that holds a file. */
function roomOf(file: string): Room | undefined {
  const holding = ROOMS.filter(({ folder }) => file.startsWith(folder))
  return holding.sort((one, other) => other.folder.length - one.folder.length)[0]
}

t.test('every file of src/ is in a room of the table', async t => {
  t.strictSame(
    FILES.filter(file => roomOf(file) === undefined),
    [],
  )
})

t.test('a room imports itself, rooms inside it, and what the table allows', async t => {
  const forbidden: string[] = []
  for (const [file, imports] of IMPORTS) {
    const room = roomOf(file)
    if (room === undefined) continue
    const allowed = [room.folder, ...room.mayImport]
    for (const imported of imports)
      if (!allowed.some(folder => imported.startsWith(folder)))
        forbidden.push(
          `${file} imports ${imported}; ${room.folder} may import ${room.mayImport.join(', ') || 'nothing'}`,
        )
  }
  t.strictSame(forbidden, [])
})

t.test('no files import each other in a circle', async t => {
  t.strictSame(circles(), [])
})

/** Circles as lists of files, by a depth-first search that reports each back edge once. */
function circles(): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const path: string[] = []
  const visit = (file: string): void => {
    const at = path.indexOf(file)
    if (at >= 0) return void found.push([...path.slice(at), file].join(' -> '))
    if (done.has(file)) return
    path.push(file)
    for (const imported of IMPORTS.get(file) ?? []) visit(imported)
    path.pop()
    done.add(file)
  }
  for (const file of FILES) visit(file)
  return found
}
