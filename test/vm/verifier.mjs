// verifier.mjs - prints how many instructions the verifier of this kernel processes for each program; 1 above the budget.
import { OBJECT_PATH } from '../../dist/datapath/source/live.js'
import { loadNative } from '../../dist/datapath/source/native.js'

const BUDGET = 200_000
const object = loadNative().openObject(OBJECT_PATH, { knobs: {}, sizes: {} })
const programs = object.programs()
object.close()
for (const { name, verifiedInstructions } of programs) console.log(`${name} ${verifiedInstructions}`)
const most = Math.max(...programs.map(({ verifiedInstructions }) => verifiedInstructions))
console.log(`verifier: at most ${most} instructions`)
process.exit(most > BUDGET ? 1 : 0)
