/**
 * kernels.ts - runs scripts of test/vm on one of Debian's kernels in an emulated machine.
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
  testMatrix(`the datapath is exact on the kernel of ${suite}`, suite, { SHORT: '1' })
}

/** Shapes of dataplanes that need modules, which a test machine may lack: names of scripts in test/vm. */
export function testShapes(suite: string, ...scripts: readonly string[]): void {
  testMatrix(`${scripts.join(', ')} on the kernel of ${suite}`, suite, { CHECKS: scripts.join(' ') })
}

function testMatrix(title: string, suite: string, variables: Readonly<Record<string, string>>): void {
  const qemu = spawnSync('qemu-system-x86_64', ['--version']).status === 0
  const skip = process.arch !== 'x64' ? 'needs amd64' : !qemu && 'needs qemu-system-x86'
  t.test(title, { skip }, async t => {
    const directory = join(tmpdir(), `weir-kernels-${suite}`)
    const { code, output } = await run(directory, { ...variables, SUITES: suite })
    if (code === NO_KERNEL) t.plan(0, 'the kernel cannot be fetched')
    else t.equal(code, 0, output)
  })
}

function run(
  directory: string,
  variables: Readonly<Record<string, string>>,
): Promise<{ code: number | null; output: string }> {
  const child = spawn(MATRIX, [directory], { env: { ...process.env, ...variables } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      output += text
    })
  }
  return new Promise(resolve => child.on('close', code => resolve({ code, output })))
}
