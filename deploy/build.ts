/**
 * build.ts - writes deploy/chart/values.schema.json.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { valuesSchema } from './values.js'

writeFileSync(fileURLToPath(new URL('chart/values.schema.json', import.meta.url)), valuesSchema())
