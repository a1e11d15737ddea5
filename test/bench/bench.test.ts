/**
 * bench.test.ts - what `npm run bench` prints can be read by a program, and a case that did not run is no success.
 */
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { median } from '../../bench/median.js'
import { run } from '../../src/lab/process.js'

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))
/** A preload by which the process takes itself for somebody else's: a real other user may not read the checkout. */
const NOBODY = 'data:text/javascript,process.getuid=()=>65534'
const UNITS = { reduce: 'ns', memory: 'bytes' } as const

function bench(...words: string[]) {
  return run(['npm', '--prefix', CHECKOUT, 'run', '-s', 'bench', '--', ...words], { timeoutMs: 60_000 })
}

t.test('prints a JSON line a case, and nothing else', async t => {
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

t.test('prints a line a case with its limit and its peer for people', async t => {
  const { stdout, code } = await bench('memory')
  t.equal(code, 0)
  t.match(stdout, /^memory +[\d.]+ bytes +limit 600, \w.* x \(peer: FLP .*\)$/m)
})

t.test('refuses a case that it does not know, and names those it does', async t => {
  const { stdout, stderr, code } = await bench('--json', 'packets')
  t.equal(code, 2)
  t.equal(stdout, '')
  t.match(stderr, /no case packets; there are packet, (\w+, )*reduce, /)
})

t.test('a case that cannot run says so and fails', async t => {
  const main = fileURLToPath(new URL('../../test/compile.mjs', import.meta.url))
  for (const name of ['packet', 'follow']) {
    const argv = [process.execPath, '--expose-gc', '--import', NOBODY, main, 'bench/main.ts', '--json', name]
    const { stdout, stderr, code } = await run(argv, { timeoutMs: 60_000 })
    t.equal(code, 1)
    t.equal(stdout, '')
    t.match(stderr, `bench ${name}: needs root`)
  }
})

t.test('takes the middle value', async t => {
  t.equal(median([9, 1, 5]), 5)
  t.equal(median([9, 1, 5, 4]), 4.5)
  t.throws(() => median([]), /median of nothing/)
})
