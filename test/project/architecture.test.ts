/**
 * architecture.test.ts - the documents name files, folders, packages and commands that exist, and the room table is complete.
 *
 * In:    the Markdown files at the root and in docs/; the files that git tracks.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { COMMANDS } from '../../src/cli/commands.js'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const FILES = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\0')
  .filter(file => file !== '' && existsSync(join(ROOT, file)))
const FOLDERS = new Set(FILES.flatMap(foldersOf))
const BASENAMES = new Set(FILES.map(file => basename(file)))
const DOCUMENTS = FILES.filter(file => /^(docs\/.*|[A-Z_]+)\.md$/.test(file))
const PATH = /(?<![\w/.-])(?:src|bpf|native|test|bench|dashboards|deploy|examples|docs|\.ci|\.github)\/[\w./-]*/g
/** A segment in capitals stands for any name: `test/ROOM/`. */
const PLACEHOLDER = /(^|\/)[A-Z]+(\/|\.|$)(?!md$)/
const SOURCE_FILE = /(?<![\w/.-])[a-z][\w-]*\.(?:ts|h|cc|c|mjs|sh)\b/g

function foldersOf(file: string): string[] {
  const folder = dirname(file)
  return folder === '.' ? [] : [folder, ...foldersOf(folder)]
}

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8')

/** The rows of the table under a heading, without their header. */
function tableOf(file: string, heading: string): string[][] {
  const section = read(file).split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  const rows = section.split('\n').filter(line => line.startsWith('|'))
  return rows.slice(2).map(row =>
    row
      .split('|')
      .map(cell => cell.trim())
      .slice(1, -1),
  )
}

const codesIn = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code!)

t.test('every path that a document names exists', async t => {
  t.ok(DOCUMENTS.includes('ARCHITECTURE.md') && DOCUMENTS.includes('docs/decisions/datapath.md'))
  for (const document of DOCUMENTS) {
    const paths = [...read(document).matchAll(PATH)].map(([path]) => path.replace(/[./]+$/, ''))
    const missing = paths.filter(path => !PLACEHOLDER.test(path) && !FILES.includes(path) && !FOLDERS.has(path))
    t.strictSame([...new Set(missing)], [], document)
  }
})

t.test('every source file that the overview or a decision names exists', async t => {
  for (const document of DOCUMENTS.filter(file => file === 'ARCHITECTURE.md' || file.startsWith('docs/decisions/'))) {
    const names = [...read(document).matchAll(SOURCE_FILE)].map(([name]) => name)
    t.strictSame(
      [...new Set(names)].filter(name => !BASENAMES.has(name)),
      [],
      document,
    )
  }
})

t.test('the room table lists each folder of src with sources, and imports name rooms', async t => {
  const rows = tableOf('ARCHITECTURE.md', 'The rooms')
  const rooms = rows.flatMap(([folder = '']) => codesIn(folder)).map(room => room.replace(/\/$/, ''))
  const sources = FILES.filter(file => file.startsWith('src/') && file.endsWith('.ts'))
  t.strictSame(
    rooms.filter(room => room.startsWith('src/')).sort(),
    [...new Set(sources.map(file => dirname(file)))].sort(),
  )
  const named = rows.flatMap(([, , imports = '']) => codesIn(imports)).map(room => room.replace(/\/$/, ''))
  t.strictSame(
    named.filter(room => !FOLDERS.has(room)),
    [],
  )
})

t.test('the glossary has at most 25 terms', async t => {
  const terms = tableOf('ARCHITECTURE.md', 'Glossary').map(([term = '']) => term)
  t.ok(terms.length > 0 && terms.length <= 25, `${terms.length} terms`)
  t.equal(new Set(terms).size, terms.length)
})

t.test('the dependency table lists each package of package.json, and no other', async t => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<string, object>
  const listed = tableOf('ARCHITECTURE.md', 'Dependencies').flatMap(([packages = '']) => codesIn(packages))
  t.strictSame(listed.sort(), Object.keys({ ...dependencies, ...devDependencies }).sort())
})

t.test('the index of the decisions lists each page', async t => {
  const pages = FILES.filter(file => /^docs\/decisions\/[a-z]/.test(file)).map(file => basename(file))
  const linked = [...read('docs/decisions/README.md').matchAll(/\]\(([^)]+)\)/g)].map(([, page]) => page!)
  t.strictSame(linked.sort(), pages.sort())
})

t.test('every link from one document to another leads to a file', async t => {
  for (const document of DOCUMENTS) {
    const links = [...read(document).matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, link]) => link!)
    t.strictSame(
      links.filter(link => !/^https?:/.test(link) && !existsSync(join(ROOT, dirname(document), link))),
      [],
      document,
    )
  }
})

t.test('the README lists each command', async t => {
  const listed = [...read('README.md').matchAll(/^ {4}weir ([a-z-]+) {2,}/gm)].map(([, command]) => command!)
  t.strictSame(listed.sort(), Object.keys(COMMANDS).sort())
})

t.test('every source file states its licence', async t => {
  const all = ['src', 'native', 'bpf'].flatMap(folder =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(name => join(folder, name)),
  )
  const files = all.filter(name => /^(src\/.*\.(ts|proto)|(native|bpf)\/[^/]+\.(cc|c|h))$/.test(name))
  t.ok(files.length > 300)
  t.strictSame(
    files.filter(name => !readFileSync(name, 'utf8').slice(0, 200).includes('SPDX-License-Identifier: ')),
    [],
  )
})
