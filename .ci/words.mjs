/**
 * words.mjs - check the project's texts for words and names that it does not use; part of `npm run lint`.
 *
 * In:    words.json beside this file: for each banned word a regular expression, what to write instead, and the files (prefixes
 *        of their paths) that may use it.
 * Out:   a line for each hit: file, line, the words, what to write; exit code 1 when there is one.
 * Never: reads generated files, fixtures, licences or what git does not track.
 * The check reads whole files, identifiers included: a banned word in a name shows up in a comment sooner or later.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const LIST = fileURLToPath(new URL('words.json', import.meta.url))
const TEXT = /\.(ts|mjs|c|h|cc|md|sh|ya?ml|tpl|service|txt)$|(^|\/)(Makefile|Dockerfile)$/
const SKIPPED = ['LICENSES/', 'LICENSE', 'test/fixtures/', 'bench/fixtures/', 'dashboards/out/', '.ci/words.json']

function main() {
  const words = JSON.parse(readFileSync(LIST, 'utf8')).map(rule => ({ ...rule, banned: new RegExp(rule.banned, 'gi') }))
  const tracked = execFileSync('git', ['ls-files', '-z'], { encoding: 'utf8' }).split('\0')
  const files = tracked.filter(file => TEXT.test(file) && !SKIPPED.some(prefix => file.startsWith(prefix)))
  const hits = files.flatMap(file => hitsIn(file, words))
  for (const hit of hits) console.error(hit)
  console.error(`${files.length} files, ${hits.length} banned words`)
  process.exitCode = hits.length > 0 ? 1 : 0
}

function hitsIn(file, words) {
  const rules = words.filter(({ allowedIn = [] }) => !allowedIn.some(prefix => file.startsWith(prefix)))
  return linesOf(file).flatMap((line, index) =>
    rules.flatMap(({ banned, write }) =>
      [...line.matchAll(banned)].map(([found]) => `${file}:${index + 1}: '${found}': write ${write}`),
    ),
  )
}

function linesOf(file) {
  try {
    return readFileSync(file, 'utf8').split('\n')
  } catch (error) {
    if (error.code === 'ENOENT') return [] // deleted, not yet committed
    throw error
  }
}

main()
