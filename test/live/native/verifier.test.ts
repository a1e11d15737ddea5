/**
 * verifier.test.ts - what each program of the datapath costs the verifier of this kernel.
 *
 * A kernel refuses a program at a million instructions, and needs over a gigabyte to get there; kernels count the same program
 * differently, so the budget leaves room.
 */
import { execFileSync } from 'node:child_process'
import t from 'tap'
import { OBJECT_PATH } from '../../../src/datapath/source/live.js'
import { native, ROOT } from '../../support/native.js'

const MAX_INSTRUCTIONS = 200_000

interface LoadedProgram {
  readonly id: number
  readonly name: string
  readonly verified_insns: number
}

t.test('no program needs more than 200,000 instructions of the verifier', ROOT, async t => {
  const object = native.openObject(OBJECT_PATH, { knobs: {}, sizes: {} })
  t.teardown(() => object.close())
  const loaded = JSON.parse(execFileSync('bpftool', ['-j', 'prog', 'list'], { encoding: 'utf8' })) as LoadedProgram[]
  const own = new Set(object.programs().map(({ id }) => id))
  const programs = loaded.filter(({ id }) => own.has(id))
  t.equal(programs.length, own.size, 'bpftool lists every program')
  for (const { name, verified_insns } of programs) {
    t.ok(verified_insns > 0, `${name}: the kernel reports a count`)
    t.ok(verified_insns <= MAX_INSTRUCTIONS, `${name}: ${verified_insns} instructions`)
  }
})
