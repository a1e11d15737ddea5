/**
 * run.mjs - run test files two at a time; the last line is `N passed, N failed, N skipped`.
 *
 * In:    [--unit] [--watch] [--grep TEXT] [FILE or FOLDER ...]; without files all of test/, with --unit those that need
 *        neither root nor whole processes.
 * Out:   a line for each file; failures as they happen and again at the end, each with its full name; exit code 1 when a test
 *        failed or none ran.
 * Fail:  a file that dies, hangs, or ends before its plan counts as a failure.
 * Never: counts a skipped test as passed; leaves a process of a test behind.
 * Each file is a program that prints TAP. tap's own runner would load its hooks into every process that a test starts, which
 * trebles the cost of a file.
 */
import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, statSync, watch } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { compile, compiled } from './compile.mjs'

/** Native and BPF tests share one kernel; each works in its own namespaces. */
const AT_ONCE = 2
const DEADLINE_SECONDS = 240
/** Lines of diagnostics shown for one failure. */
const MAX_DIAGNOSTICS = 40
/** Tests of whole processes, of the live datapath, and of what is shipped around src/. */
const NOT_UNIT = ['test/bench', 'test/dashboards', 'test/deploy', 'test/live', 'test/process']
/** Editors write a file in several steps. */
const SETTLE_MS = 200

const USAGE = 'usage: node test/run.mjs [--unit] [--watch] [--grep TEXT] [FILE or FOLDER ...]'

const running = new Set()

/** Counts and failures of one run. */
class Summary {
  passed = 0
  failed = 0
  skipped = 0
  #failures = []

  failure(line) {
    this.#failures.push(line)
    console.log(line)
  }

  print() {
    if (this.#failures.length > 0) console.log(['failures:', ...this.#failures].join('\n'))
    console.log(`${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped`)
  }
}

/** Reads the TAP of one file, line by line. */
class Report {
  failed = 0
  /** Whether the plan line has come; a file that was cut short has none. */
  planned = false
  #summary
  #file
  /** Names of the enclosing subtests by depth, so that a failure has its full name. */
  #names = []
  /** Lines of diagnostics still to show for the last failure. */
  #diagnostics = 0

  constructor(summary, file) {
    this.#summary = summary
    this.#file = file
  }

  line(line) {
    const depth = (/^ */.exec(line)?.[0].length ?? 0) / 4
    const text = line.trim()
    if (this.#diagnostics > 0 && /^ *(not ok|ok|# Subtest:|1\.\.)/.test(line)) this.#diagnostics = 0
    if (this.#diagnostics > 0) {
      this.#diagnostics--
      return this.#summary.failure(`    ${line}`)
    }
    if (depth === 0 && /^1\.\.\d+/.test(text)) this.planned = true
    const subtest = /^# Subtest: (.*)/.exec(text)
    if (subtest) this.#names.splice(depth, this.#names.length, subtest[1])
    const skip = /^ok \d+ - (.*?) # (?:SKIP|TODO)(.*)/i.exec(text)
    if (skip) return this.#skip(depth, skip[1], skip[2])
    const result = /^(not ok|ok) \d+(?: - (.*?))?(?: # time=[\d.]+m?s)?$/.exec(text)
    if (result !== null) this.#result(depth, result[1] === 'ok', result[2] ?? '')
  }

  /** `reason`: the file as a whole failed. */
  fail(reason) {
    this.#summary.failed++
    this.failed++
    if (reason !== undefined) this.#summary.failure(`  failed: ${this.#file} ${reason}`)
  }

  #skip(depth, name, reason) {
    if (/^ filter/.test(reason)) return // excluded by --grep
    this.#summary.skipped++
    console.log(`skipped: ${this.#path(depth)} > ${name}:${reason}`)
  }

  #result(depth, ok, name) {
    // The line that closes a subtest repeats its lines' results; a subtest that fails by itself (a timeout) has no lines.
    const closes = this.#names[depth] !== undefined && name === this.#names[depth]
    if (!ok) this.#summary.failure(`  failed: ${this.#path(depth)} > ${name}`)
    if (closes && (ok || this.failed > 0)) return
    if (ok) return void this.#summary.passed++
    this.#diagnostics = MAX_DIAGNOSTICS
    this.fail()
  }

  #path(depth) {
    return [this.#file, ...this.#names.slice(0, depth)].join(' > ')
  }
}

async function runFile(file, summary, grep) {
  const start = performance.now()
  const report = new Report(summary, file)
  const child = spawn(process.execPath, ['--enable-source-maps', compiled(file)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // tap's own deadline names the test that hangs, so it comes first.
    env: {
      ...process.env,
      TAP: '1',
      TAP_TIMEOUT: String(DEADLINE_SECONDS - 10),
      ...(grep && { TAP_GREP: `/${RegExp.escape?.(grep) ?? grep.replace(/[/\\^$*+?.()|[\]{}]/g, '\\$&')}/i` }),
    },
    detached: true,
  })
  running.add(child)
  let late = false
  const deadline = setTimeout(() => {
    late = true
    kill(child)
  }, DEADLINE_SECONDS * 1000)
  createInterface({ input: child.stdout }).on('line', line => report.line(line))
  const [code, signal] = await new Promise(resolve => child.once('close', (...exit) => resolve(exit)))
  clearTimeout(deadline)
  running.delete(child)
  kill(child)
  if (late) report.fail(`took more than ${DEADLINE_SECONDS} s`)
  else if (report.failed === 0 && (code !== 0 || !report.planned)) report.fail(`ended with ${signal ?? `code ${code}`}`)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(`${report.failed === 0 ? 'ok    ' : 'NOT OK'} ${file} ${seconds} s`)
}

/** Kill a child and the processes it started. */
function kill(child) {
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    return // all have ended
  }
}

/** The test files below the given files and folders, in order. */
function filesBelow(paths, { unit }) {
  const isUnit = file => !NOT_UNIT.some(folder => file.startsWith(`${folder}/`))
  const below = path => {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return [path]
    const names = readdirSync(path, { recursive: true }).filter(name => name.endsWith('.test.ts'))
    return names.map(name => join(path, name)).sort()
  }
  const files = paths.flatMap(below)
  const missing = files.filter(file => statSync(file, { throwIfNoEntry: false }) === undefined)
  if (missing.length > 0) throw new Error(`no such test file: ${missing.join(', ')}`)
  return unit ? files.filter(isUnit) : files
}

/** Whether all that ran passed. */
async function runAll(files, grep) {
  const summary = new Summary()
  const queue = [...files]
  await compile()
  const worker = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) await runFile(file, summary, grep)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  summary.print()
  return summary.failed === 0 && summary.passed > 0
}

/** Run now, then build and run again after each change below src/ and test/. */
async function runOnChange(again) {
  let changed = true
  let wake = () => {}
  const note = (_, name) => {
    if (!/\.(ts|mjs)$/.test(name ?? '')) return
    changed = true
    wake()
  }
  for (const folder of ['src', 'test']) watch(folder, { recursive: true }, note)
  for (;;) {
    if (!changed) await new Promise(resolve => (wake = resolve))
    await new Promise(resolve => setTimeout(resolve, SETTLE_MS))
    changed = false
    if (spawnSync('npm', ['run', '-s', 'build'], { stdio: 'inherit' }).status === 0) await again()
    console.log('waiting for a change in src/ or test/; Ctrl-C ends')
  }
}

function options() {
  const flag = { type: 'boolean', default: false }
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { unit: flag, watch: flag, grep: { type: 'string', default: '' } },
    })
    const paths = positionals.length > 0 ? positionals : ['test']
    return { ...values, files: filesBelow(paths, values) }
  } catch (error) {
    console.error(`${error.message}\n${USAGE}`)
    process.exit(2)
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    for (const child of running) kill(child)
    process.exit(1)
  })
}

const chosen = options()
if (chosen.watch) await runOnChange(() => runAll(chosen.files, chosen.grep))
process.exit((await runAll(chosen.files, chosen.grep)) ? 0 : 1)
