/**
 * verifier.test.ts - what each program of the datapath costs the verifier of this kernel.
 *
 * A kernel refuses a program at a million instructions, and needs over a gigabyte to get there; kernels count the same program
 * differently, so the budget leaves room.
 */
import { basename } from 'node:path'
import t from 'tap'
import { OBJECT_PATH, OBJECT_PATH_BEFORE_6_2 } from '../../../src/datapath/source/kernel-programs.js'
import { chooseRing } from '../../../src/datapath/source/ring.js'
import { native, ROOT } from '../../support/native.js'

const MAX_INSTRUCTIONS = 200_000

const OBJECTS = [
  [OBJECT_PATH, 'perf'],
  [OBJECT_PATH, 'ringbuf'],
  [OBJECT_PATH_BEFORE_6_2, 'perf'],
  [OBJECT_PATH_BEFORE_6_2, 'ringbuf'],
] as const

for (const [path, kind] of OBJECTS) {
  const name = `${basename(path)} with ${kind}`
  t.test(`no program of ${name} needs more than 200,000 instructions of the verifier`, ROOT, async t => {
    const ring = chooseRing(native, kind, 1)
    const object = native.openObject(path, { knobs: ring.knobs, sizes: ring.sizes })
    t.teardown(() => object.close())
    for (const { name, verifiedInstructions } of object.programs()) {
      t.ok(verifiedInstructions > 0, `${name}: the kernel reports a count`)
      t.ok(verifiedInstructions <= MAX_INSTRUCTIONS, `${name}: ${verifiedInstructions} instructions`)
    }
  })
}
