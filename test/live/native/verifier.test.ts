/**
 * verifier.test.ts - what each program of the datapath costs the verifier of this kernel.
 *
 * A kernel refuses a program at a million instructions, and needs over a gigabyte to get there; kernels count the same program
 * differently, so the budget leaves room.
 */
import t from 'tap'
import { OBJECT_PATH } from '../../../src/datapath/source/live.js'
import { native, ROOT } from '../../support/native.js'

const MAX_INSTRUCTIONS = 200_000

t.test('no program needs more than 200,000 instructions of the verifier', ROOT, async t => {
  const object = native.openObject(OBJECT_PATH, { knobs: {}, sizes: {} })
  t.teardown(() => object.close())
  for (const { name, verifiedInstructions } of object.programs()) {
    t.ok(verifiedInstructions > 0, `${name}: the kernel reports a count`)
    t.ok(verifiedInstructions <= MAX_INSTRUCTIONS, `${name}: ${verifiedInstructions} instructions`)
  }
})
