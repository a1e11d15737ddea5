/**
 * run.mjs - run every test file with tap and end with the line that CI reads: `N passed, N failed, N skipped`.
 *
 * In:    names of test files, or none for all.
 * Out:   tap's terse report of what failed; exit code 1 when anything did, or when nothing ran.
 * A skipped check is counted as skipped, never as passed. A file that dies counts as a failure.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const files = process.argv.slice(2)
const tap = spawn('npx', ['--no-install', 'tap', 'run', '--reporter=tap', ...files], {
  stdio: ['ignore', 'pipe', 'inherit'],
  env: { ...process.env, npm_config_loglevel: 'error' },
})
const count = { passed: 0, failed: 0, skipped: 0 }
/** The path of subtests above a line, by depth, so that a failure is told with all its names. */
const names = []

for await (const line of createInterface({ input: tap.stdout })) {
  const depth = (/^ */.exec(line)?.[0].length ?? 0) / 4
  const text = line.trim()
  const subtest = /^# Subtest: (.*)/.exec(text)
  if (subtest) names.splice(depth, names.length, subtest[1])
  const skip = /^ok \d+ - (.*?) # (?:SKIP|TODO)(.*)/i.exec(text)
  if (skip) {
    count.skipped++
    console.log(`skipped: ${names.slice(0, depth).join(' > ')} > ${skip[1]}:${skip[2]}`)
    continue
  }
  const result = /^(not ok|ok) \d+(?: - (.*?))?(?: # time=[\d.]+m?s)?$/.exec(text)
  if (result === null) continue
  const [, verdict, name = ''] = result
  // The line that closes a subtest repeats what its own lines said; one that failed by itself (a timeout) has no lines.
  const closes = names[depth] !== undefined && (name === names[depth] || name.endsWith(names[depth]))
  if (depth === 0) {
    console.log(`${verdict === 'ok' ? 'ok    ' : 'NOT OK'} ${text.replace(/^(not )?ok \d+ - /, '')}`)
    if (verdict === 'not ok' && !closes) count.failed++
  } else if (!closes) {
    count[verdict === 'ok' ? 'passed' : 'failed']++
  }
  if (verdict === 'not ok' && depth > 0) console.log(`  failed: ${names.slice(0, depth).join(' > ')} > ${name}`)
}
const [code] = await new Promise(resolve =>
  tap.exitCode === null ? tap.once('close', (...args) => resolve(args)) : resolve([tap.exitCode]),
)
if (code !== 0 && count.failed === 0) count.failed = 1
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
process.exit(count.failed > 0 || count.passed === 0 ? 1 : 0)
