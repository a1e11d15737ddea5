/**
 * docs.ts - writes the generated pages of docs/, for `make docs`.
 */
import { writeFileSync } from 'node:fs'
import { generated } from '../../src/config/generated.js'
import { reference } from '../../src/exporter/catalog/reference.js'

writeFileSync('docs/metrics.md', reference())
for (const [path, text] of generated()) writeFileSync(path, text)
