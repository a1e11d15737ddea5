/**
 * corpus.test.ts - inputs that once failed pass, and a few new ones of each target.
 */
import fc from 'fast-check'
import t from 'tap'
import { corpusOf } from './corpus.js'
import { TARGETS } from './targets.js'

const RUNS = 300
/** The same inputs each time; `make fuzz` tries others. */
const SEED = 1

for (const target of TARGETS) {
  t.test(`${target.name}: known and generated inputs are accepted or refused`, async t => {
    t.teardown(() => target.close?.())
    for (const { name, bytes } of corpusOf(target.name)) {
      await t.resolves(Promise.resolve(target.run(bytes)), `corpus ${name}`)
    }
    const property = fc.asyncProperty(target.input, async input => target.run(input))
    await t.resolves(fc.assert(property, { numRuns: RUNS, seed: SEED }))
  })
}
