/**
 * docs.ts - writes the generated pages of docs/; the verb is `make docs`.
 */
import { writeFileSync } from 'node:fs'
import { reference } from '../src/exporter/reference.js'

writeFileSync('docs/metrics.md', reference())
