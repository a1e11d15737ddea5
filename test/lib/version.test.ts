/**
 * version.test.ts - the revision of a build: from the file that the build writes, otherwise from WEIR_REVISION.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import t from 'tap'
import { readBuild } from '../../src/lib/version.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SCRIPT = join(ROOT, 'deploy/revision.sh')

/** Runs revision.sh of the checkout at `root`; returns what it wrote. */
function revisionOf(root: string, env: NodeJS.ProcessEnv = {}): Record<string, string> {
  const file = join(root, 'dist/revision.json')
  execFileSync(join(root, 'deploy/revision.sh'), [file], { env: { PATH: process.env.PATH, ...env } })
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>
}

/** A copy of the script in a folder of its own. */
function tree(root: string): string {
  mkdirSync(join(root, 'deploy'), { recursive: true })
  cpSync(SCRIPT, join(root, 'deploy/revision.sh'))
  return root
}

t.test('the file of the build wins over the environment, which fills in what the file does not know', async t => {
  const dir = t.testdir({
    'known.json': '{"revision":"abc","branch":"main","date":"2026-01-02T03:04:05Z"}',
    'unknown.json': '{"revision":"unknown","branch":"unknown","date":"2026-01-02T03:04:05Z"}',
  })
  const env = { WEIR_REVISION: 'env', WEIR_BRANCH: 'release', WEIR_BUILD_USER: 'ci' }
  const read = (name: string, env: NodeJS.ProcessEnv) => readBuild(pathToFileURL(join(dir, name)), env)
  const date = '2026-01-02T03:04:05Z'
  t.strictSame(read('known.json', env), { revision: 'abc', branch: 'main', date, user: 'ci' })
  t.strictSame(read('unknown.json', env), { revision: 'env', branch: 'release', date, user: 'ci' })
  t.strictSame(read('missing.json', { WEIR_REVISION: 'env', WEIR_BUILD_DATE: 'today' }), {
    revision: 'env',
    branch: 'unknown',
    date: 'today',
    user: 'unknown',
  })
  t.match(read('missing.json', {}), { revision: 'unknown' })
})

t.test('in a checkout the build writes the commit, and marks changed files', async t => {
  const root = tree(t.testdir({ file: 'one' }))
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], {
      cwd: root,
      encoding: 'utf8',
    })
  git('init', '--quiet', '--initial-branch=trunk')
  git('add', 'file', 'deploy')
  git('commit', '--quiet', '--message=one')
  git('tag', 'v9.9.9')
  const commit = git('rev-parse', '--short=12', 'HEAD').trim()
  const clean = revisionOf(root, { WEIR_REVISION: 'env' })
  t.match(clean, { revision: commit, branch: 'trunk', date: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/ })
  writeFileSync(join(root, 'file'), 'two')
  t.match(revisionOf(root), { revision: `${commit}-dirty` })
})

t.test('without a repository of its own the build writes WEIR_REVISION', async t => {
  // Inside this repository, but not the top of one.
  const root = tree(t.testdir({}))
  t.match(revisionOf(root, { WEIR_REVISION: 'abc', WEIR_BRANCH: 'main' }), { revision: 'abc', branch: 'main' })
  t.match(revisionOf(root), { revision: 'unknown', branch: 'unknown' })
})

t.test('a file that is up to date keeps its date', async t => {
  const root = tree(t.testdir({}))
  const file = join(root, 'dist/revision.json')
  mkdirSync(join(root, 'dist'))
  const text = '{"revision":"abc","branch":"main","date":"2001-01-01T00:00:00Z"}\n'
  writeFileSync(file, text)
  revisionOf(root, { WEIR_REVISION: 'abc', WEIR_BRANCH: 'main' })
  t.equal(readFileSync(file, 'utf8'), text)
  t.not(revisionOf(root, { WEIR_REVISION: 'def', WEIR_BRANCH: 'main' }).date, '2001-01-01T00:00:00Z')
})

t.test('an installed copy outside of the checkout prints the revision of its build', async t => {
  const root = t.testdir({})
  for (const path of ['dist', 'package.json']) cpSync(join(ROOT, path), join(root, path), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'))
  writeFileSync(join(root, 'dist/revision.json'), '{"revision":"0123456789ab","branch":"main","date":"now"}')
  const version = execFileSync(process.execPath, [join(root, 'dist/cli/main.js'), '--version'], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, WEIR_REVISION: 'env' },
  })
  t.match(version, /^weir, version \d+\.\d+\.\d+ \(branch: main, revision: 0123456789ab\)\n/)
})
