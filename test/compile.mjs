/**
 * compile.mjs - the checkout's TypeScript as JavaScript that Node runs as it is: no test waits for a loader.
 *
 * In:    the working directory is the checkout. Types are left to `npm run types`.
 * Out:   .stamps/js/, the same tree; what was made of the text that a source has now stays. Traces name sources and their lines.
 * Fail:  a syntax error, or an import.meta that would lead elsewhere, is an Error that names the file.
 * Never: leaves a program whose source is gone.
 * A module's import.meta.url is its source's, so that fixtures are found beside it; only new URL('./worker.js',
 * import.meta.url) is the compiled program, as where Weir is built.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const OUT = '.stamps/js'
const FOLDERS = ['src', 'test', 'bench', 'dashboards', 'deploy']
/** What decides, beside a source, what is made of it. */
const HOW = readFileSync(fileURLToPath(import.meta.url)) + readFileSync('node_modules/tsx/package.json')
/** import.meta.NAME, and the path before it where a URL is made of both. */
const META = /(new URL\('([^']+)', )?import\.meta\.(\w+)/g

/** Bring .stamps/js up to date. */
export async function compile() {
  const sources = FOLDERS.flatMap(folder => files(folder, '.ts'))
  const made = new Set(sources.map(compiled))
  for (const program of files(OUT, '.js')) if (!made.has(program)) rmSync(program)
  const stale = sources.map(source => ({ source, mark: markOf(source) })).filter(each => !isUpToDate(each))
  if (stale.length === 0) return
  // tsx's own, so that benches and tests are of one compiler.
  const esbuild = createRequire(import.meta.resolve('tsx'))('esbuild')
  await Promise.all(stale.map(each => make(esbuild, each)))
  await esbuild.stop()
}

/** Where the program of a source is. */
export function compiled(source) {
  return join(OUT, relative('', source).replace(/\.ts$/, '.js'))
}

function files(folder, extension) {
  if (!existsSync(folder)) return []
  const names = readdirSync(folder, { recursive: true }).filter(name => name.endsWith(extension))
  return names.map(name => join(folder, name))
}

/** A program's last line. */
function markOf(source) {
  return `// made of ${createHash('sha256').update(HOW).update(readFileSync(source)).digest('hex')}\n`
}

function isUpToDate({ source, mark }) {
  const program = compiled(source)
  return existsSync(program) && readFileSync(program, 'utf8').endsWith(mark)
}

async function make(esbuild, { source, mark }) {
  const { code } = await esbuild.transform(placed(source), {
    loader: 'ts',
    target: 'node20',
    sourcefile: toSource(source),
    sourcemap: 'inline',
    sourcesContent: false,
    tsconfigRaw: { compilerOptions: { target: 'es2022', verbatimModuleSyntax: true } },
  })
  const program = compiled(source)
  mkdirSync(dirname(program), { recursive: true })
  // Whole or not at all: another run may be reading.
  const unfinished = `${program}.${process.pid}`
  writeFileSync(unfinished, `${code}${mark}`)
  renameSync(unfinished, program)
}

/** From a program to its source. */
function toSource(source) {
  return relative(dirname(compiled(source)), source)
}

/** The text of a source, for another place. */
function placed(source) {
  return readFileSync(source, 'utf8').replaceAll(META, (all, before = '', path, name) => {
    if (name === 'resolve' || (path?.endsWith('.js') && existsSync(join(dirname(source), path.replace(/js$/, 'ts')))))
      return all
    if (name === 'url') return `${before}new URL('${toSource(source)}', import.meta.url).href`
    throw new Error(`${source}: import.meta.${name}; allowed: url, resolve`)
  })
}
