// verifier.mjs - prints how many instructions the verifier of this kernel processes for each program; 1 above the budget.

import { kernelPrograms } from '../../dist/datapath/source/kernel-programs.js'
import { loadNative } from '../../dist/datapath/source/native.js'

const BUDGET = 200_000
const native = loadNative()
/** With the code for the BPF ring buffer, which costs most. */
const knobs = { ring_kind: 1 }
const { path, without } = kernelPrograms(native)
const object = native.openObject(path, { knobs, sizes: {}, without })
const programs = object.programs()
object.close()
for (const { name, verifiedInstructions } of programs) console.log(`${name} ${verifiedInstructions}`)
const most = Math.max(...programs.map(({ verifiedInstructions }) => verifiedInstructions))
console.log(most > 0 ? `verifier: at most ${most} instructions` : 'verifier: accepts all (counts since 5.16)')
process.exit(most > BUDGET ? 1 : 0)
