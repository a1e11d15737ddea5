/**
 * compile.mjs - compile the TypeScript around src/ (tests, benches, dashboards, deploy) into .stamps/js/, against the built dist/.
 *
 * In:    the working directory is the checkout; `make build` has run. Types are left to `npm run types`.
 *        As a program: `node test/compile.mjs FILE.ts [ARGS]` compiles everything and runs FILE with ARGS.
 * Out:   .stamps/js/, the same tree. A program is compiled again only when its source or this file changed.
 * Fail:  a syntax error, an unknown import.meta property, or a missing dist/ is an Error that names the file.
 * Never: leaves a program without its source; compiles src/: tests and benches load the JavaScript that ships.
 * A module's import.meta.url is its source's, so that fixtures are found beside it; only
 * new URL('./program.js', import.meta.url), for a program that has a source, is the compiled one.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { stop, transform, version } from 'esbuild'

const OUT = '.stamps/js'
const FOLDERS = ['test', 'bench', 'dashboards', 'deploy']
const THIS_FILE = fileURLToPath(import.meta.url)
/** Everything besides a source that decides how it compiles. */
const COMPILER = readFileSync(THIS_FILE) + version
/** import.meta.NAME, with the path before it where a URL is built from both. */
const META = /(new URL\('([^']+)', )?import\.meta\.(\w+)/g
/** The path of an imported module, also in import() and import.meta.resolve(). */
const SPECIFIER = /(\bfrom |\bimport |\bimport\(|\bimport\.meta\.resolve\()'(\.[^']*\.js)'/g

/** Bring .stamps/js/ up to date. */
export async function compile() {
  const sources = FOLDERS.flatMap(folder => files(folder, '.ts'))
  const wanted = new Set(sources.map(compiled))
  for (const program of files(OUT, '.js')) if (!wanted.has(program)) rmSync(program)
  const stale = sources.map(source => ({ source, mark: markOf(source) })).filter(each => !isUpToDate(each))
  await Promise.all(stale.map(build))
  await stop()
}

/** The program of a source: test/a.test.ts is .stamps/js/test/a.test.js, and what src/ holds is in dist/. */
export function compiled(source) {
  const path = relative('', source)
  const program = path.replace(/\.ts$/, '.js')
  return path.startsWith('src/') ? join('dist', relative('src', program)) : join(OUT, program)
}

function files(folder, extension) {
  if (!existsSync(folder)) return []
  const names = readdirSync(folder, { recursive: true }).filter(name => name.endsWith(extension))
  return names.map(name => join(folder, name))
}

/** A program's last line. */
function markOf(source) {
  return `// compiled from ${createHash('sha256').update(COMPILER).update(readFileSync(source)).digest('hex')}\n`
}

function isUpToDate({ source, mark }) {
  const program = compiled(source)
  return existsSync(program) && readFileSync(program, 'utf8').endsWith(mark)
}

async function build({ source, mark }) {
  const { code } = await transform(relocated(source), {
    loader: 'ts',
    target: 'node20',
    sourcefile: fromProgram(source, source),
    sourcemap: 'inline',
    sourcesContent: false,
    tsconfigRaw: { compilerOptions: { target: 'es2022', verbatimModuleSyntax: true } },
  })
  const program = compiled(source)
  mkdirSync(dirname(program), { recursive: true })
  // Another run may be reading: replace the file in one step.
  const unfinished = `${program}.${process.pid}`
  writeFileSync(unfinished, `${code}${mark}`)
  renameSync(unfinished, program)
}

/** A file as the program of `source` refers to it. */
function fromProgram(source, file) {
  const path = relative(dirname(compiled(source)), file)
  return path.startsWith('.') ? path : `./${path}`
}

/** The text of a source with its relative paths as its program needs them. */
function relocated(source) {
  const hasSource = path => path.endsWith('.js') && existsSync(join(dirname(source), path.replace(/js$/, 'ts')))
  const program = path => fromProgram(source, compiled(join(dirname(source), path.replace(/js$/, 'ts'))))
  return readFileSync(source, 'utf8')
    .replaceAll(SPECIFIER, (all, before, path) => (hasSource(path) ? `${before}'${program(path)}'` : all))
    .replaceAll(META, (all, before = '', path, name) => {
      if (name === 'resolve' || (path !== undefined && hasSource(path))) return all
      if (name === 'url') return `${before}new URL('${fromProgram(source, source)}', import.meta.url).href`
      throw new Error(`${source}: import.meta.${name}; allowed: url, resolve`)
    })
}

async function run(source, args) {
  await compile()
  const program = resolve(compiled(source))
  process.argv.splice(1, process.argv.length, program, ...args)
  process.setSourceMapsEnabled(true)
  await import(pathToFileURL(program).href)
}

if (resolve(process.argv[1] ?? '') === THIS_FILE) {
  const [source, ...args] = process.argv.slice(2)
  await (source === undefined ? compile() : run(source, args))
}
