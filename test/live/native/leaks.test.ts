/**
 * leaks.test.ts - everything the addon makes is released by close() and at the end of its environment.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { compile, ROOT } from '../../support/native.js'

const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url))

function run(t: Test, ...flags: string[]): void {
  const script = join(CHECKOUT, 'native/leaks.mjs')
  const env = { ...process.env, NODE_OPTIONS: '' }
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', script, compile(t), ...flags], {
    cwd: CHECKOUT,
    encoding: 'utf8',
    env,
  })
  t.equal(status, 0, stdout + stderr)
}

t.test('60 rounds of opening, attaching, draining, flushing and closing leak nothing', ROOT, async t => run(t))

const sanitizer = spawnSync('g++', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).stdout
const skip = ROOT.skip || (!sanitizer?.includes('/') && 'needs libasan')
t.test('AddressSanitizer finds no invalid access, and below Node 24 no leak', { skip }, async t => run(t, '--asan'))

const TRACER_CRASHES = Number.parseInt(process.versions.node, 10) >= 24 && "gcc 12's LeakSanitizer crashes in Node 24"
if (TRACER_CRASHES) t.test('LeakSanitizer finds no leak', { skip: TRACER_CRASHES }, async () => {})
