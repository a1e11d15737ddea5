/**
 * write-golden.ts - write the golden exposition to its fixture; the verb is `make golden`.
 */
import { writeFileSync } from 'node:fs'
import { exposition, GOLDEN } from './golden.js'

writeFileSync(GOLDEN, exposition())
