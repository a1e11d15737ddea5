/**
 * kernels.ts - runs the lab of test/vm on one of Debian's kernels in an emulated machine.
 *
 * Never: passes without qemu or the kernel: then the test is skipped aloud.
 */
import { spawn, spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const MATRIX = fileURLToPath(new URL('../vm/matrix.sh', import.meta.url))
/** Of matrix.sh: the kernel cannot be fetched. */
const NO_KERNEL = 77

/** The verifier's cost, and exact counts with three capabilities at perf_event_paranoid 3. */
export function testKernel(suite: string): void {
  const qemu = spawnSync('qemu-system-x86_64', ['--version']).status === 0
  const skip = process.arch !== 'x64' ? 'needs amd64' : !qemu && 'needs qemu-system-x86'
  t.test(`the datapath is exact on the kernel of ${suite}`, { skip }, async t => {
    const directory = join(tmpdir(), `weir-kernels-${suite}`)
    const { code, output } = await run(directory, suite)
    if (code === NO_KERNEL) t.plan(0, 'the kernel cannot be fetched')
    else t.equal(code, 0, output)
  })
}

function run(directory: string, suite: string): Promise<{ code: number | null; output: string }> {
  const child = spawn(MATRIX, [directory], { env: { ...process.env, SUITES: suite, SHORT: '1' } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      output += text
    })
  }
  return new Promise(resolve => child.on('close', code => resolve({ code, output })))
}
