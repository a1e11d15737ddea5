/**
 * run.mjs - run test files, two at a time, and end with the line that CI reads: `N passed, N failed, N skipped`.
 *
 * In:    names of test files, or none for all.
 * Out:   a line a file, and what failed with all its names, as it fails and again at the end, where a reader of a long log
 *        looks; exit code 1 when anything did, or when nothing ran.
 * Fail:  a file that dies, hangs, or ends before its plan counts as a failure.
 * Never: counts a skipped check as passed; leaves a process of a test behind.
 * Each file is a program of its own that prints TAP; all are compiled first. tap's own runner would load its hooks into
 * every process that a test starts, which trebles what a file costs.
 */
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { compile, compiled } from './compile.mjs'

/** Native and BPF tests share one kernel, and each works in namespaces of its own. */
const AT_ONCE = 2
/** Of one file. */
const DEADLINE_SECONDS = 240

/** Lines that a failure shows of what tap says of it. */
const MOST_WORDS = 40

const count = { passed: 0, failed: 0, skipped: 0 }
const running = new Set()
/** What is said of failures, to be said again. */
const failures = []

function tellFailure(line) {
  failures.push(line)
  console.log(line)
}

/** One file's TAP, line by line. */
class Report {
  failed = 0
  /** Whether its last line told how many there were: a file that was cut short has none. */
  planned = false
  /** The path of subtests above a line, by depth, so that a failure is told with all its names. */
  #names = []
  #file
  /** Lines of a failure's own words that may still be shown. */
  #words = 0

  constructor(file) {
    this.#file = file
  }

  line(line) {
    const depth = (/^ */.exec(line)?.[0].length ?? 0) / 4
    const text = line.trim()
    if (this.#words > 0 && /^ *(not ok|ok|# Subtest:|1\.\.)/.test(line)) this.#words = 0
    if (this.#words > 0) {
      this.#words--
      return tellFailure(`    ${line}`)
    }
    if (depth === 0 && /^1\.\.\d+/.test(text)) this.planned = true
    const subtest = /^# Subtest: (.*)/.exec(text)
    if (subtest) this.#names.splice(depth, this.#names.length, subtest[1])
    const skip = /^ok \d+ - (.*?) # (?:SKIP|TODO)(.*)/i.exec(text)
    if (skip) {
      count.skipped++
      return console.log(`skipped: ${this.#above(depth)} > ${skip[1]}:${skip[2]}`)
    }
    const result = /^(not ok|ok) \d+(?: - (.*?))?(?: # time=[\d.]+m?s)?$/.exec(text)
    if (result !== null) this.#result(depth, result[1] === 'ok', result[2] ?? '')
  }

  #result(depth, ok, name) {
    // The line that closes a subtest repeats what its own lines said; one that failed by itself (a timeout) has no lines.
    const closes = this.#names[depth] !== undefined && name === this.#names[depth]
    if (!ok) tellFailure(`  failed: ${this.#above(depth)} > ${name}`)
    if (closes && (ok || this.failed > 0)) return
    if (ok) return void count.passed++
    this.#words = MOST_WORDS
    this.fails()
  }

  fails(why) {
    count.failed++
    this.failed++
    if (why !== undefined) tellFailure(`  failed: ${this.#file} ${why}`)
  }

  #above(depth) {
    return [this.#file, ...this.#names.slice(0, depth)].join(' > ')
  }
}

async function run(file) {
  const start = performance.now()
  const report = new Report(file)
  const child = spawn(process.execPath, ['--enable-source-maps', compiled(file)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // tap's own deadline, which says which test hung, comes first.
    env: { ...process.env, TAP: '1', TAP_TIMEOUT: String(DEADLINE_SECONDS - 10) },
    detached: true,
  })
  running.add(child)
  let late = false
  const deadline = setTimeout(() => {
    late = true
    kill(child)
  }, DEADLINE_SECONDS * 1000)
  createInterface({ input: child.stdout }).on('line', line => report.line(line))
  const [code, signal] = await new Promise(resolve => child.once('close', (...how) => resolve(how)))
  clearTimeout(deadline)
  running.delete(child)
  kill(child)
  if (late) report.fails(`took more than ${DEADLINE_SECONDS} s`)
  else if (report.failed === 0 && (code !== 0 || !report.planned))
    report.fails(`ended with ${signal ?? `code ${code}`}`)
  console.log(
    `${report.failed === 0 ? 'ok    ' : 'NOT OK'} ${file} ${((performance.now() - start) / 1000).toFixed(1)} s`,
  )
}

/** A child, and what it started. */
function kill(child) {
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    return // all have ended
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    for (const child of running) kill(child)
    process.exit(1)
  })
}

const given = process.argv.slice(2)
const all = () =>
  readdirSync('test', { recursive: true })
    .filter(name => name.endsWith('.test.ts'))
    .map(name => join('test', name))
const files = given.length > 0 ? given : all().sort()
await compile()
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let file = files.shift(); file !== undefined; file = files.shift()) await run(file)
  }),
)
if (failures.length > 0) console.log(['what failed:', ...failures].join('\n'))
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
process.exit(count.failed > 0 || count.passed === 0 ? 1 : 0)
