/**
 * bench.test.ts - the output of `npm run bench`, for programs and people, and the exit code of a case that cannot run.
 */
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { median } from '../../bench/median.js'
import { run } from '../../src/lab/process.js'

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))
/** A preload that fakes another user id: a real other user may not be able to read the checkout. */
const UNPRIVILEGED = 'data:text/javascript,process.getuid=()=>65534'
const UNITS = { reduce: 'ns', memory: 'bytes' } as const

function bench(...words: string[]) {
  return run(['npm', '--prefix', CHECKOUT, 'run', '-s', 'bench', '--', ...words], { timeoutMs: 60_000 })
}

t.test('--json prints one JSON line per case and nothing else', async t => {
  const { stdout, stderr, code } = await bench('--json', 'reduce', 'memory')
  t.equal(code, 0, stderr)
  const lines = stdout.trimEnd().split('\n')
  t.strictSame(
    lines.map(line => JSON.parse(line).case),
    ['reduce', 'memory'],
  )
  for (const line of lines) {
    const { case: name, value, unit, limit } = JSON.parse(line)
    t.equal(unit, UNITS[name as keyof typeof UNITS])
    t.ok(Number.isFinite(value) && value > 0, `${name}: ${value}`)
    t.type(limit, 'number')
  }
})

t.test('the default output is one line per case with limit and peer', async t => {
  const { stdout, code } = await bench('memory')
  t.equal(code, 0)
  t.match(stdout, /^memory +[\d.]+ bytes +limit 600, \w.* x \(peer: FLP .*\)$/m)
})

t.test('an unknown case exits with 2 and lists the known ones', async t => {
  const { stdout, stderr, code } = await bench('--json', 'packets')
  t.equal(code, 2)
  t.equal(stdout, '')
  t.match(stderr, /unknown case packets; expected one of packet, (\w+, )*reduce, /)
})

t.test('a case that cannot run prints the reason and exits with 1', async t => {
  const main = fileURLToPath(new URL('../../test/compile.mjs', import.meta.url))
  for (const name of ['packet', 'follow']) {
    const argv = [process.execPath, '--expose-gc', '--import', UNPRIVILEGED, main, 'bench/main.ts', '--json', name]
    const { stdout, stderr, code } = await run(argv, { timeoutMs: 60_000 })
    t.equal(code, 1)
    t.equal(stdout, '')
    t.match(stderr, `bench ${name}: needs root`)
  }
})

t.test('median() is the middle value', async t => {
  t.equal(median([9, 1, 5]), 5)
  t.equal(median([9, 1, 5, 4]), 4.5)
  t.throws(() => median([]), /median of no values/)
})
