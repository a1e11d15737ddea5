/**
 * metrics-reference.test.ts - docs/metrics.md is generated from the catalog and lists every metric once.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { M } from '../../../src/exporter/catalog/catalog.js'
import { GROUPS, type Metric } from '../../../src/exporter/catalog/metric.js'
import { reference } from '../../../src/exporter/catalog/reference.js'

const FILE = fileURLToPath(new URL('../../../docs/metrics.md', import.meta.url))

t.test('docs/metrics.md is up to date', async t => {
  t.equal(readFileSync(FILE, 'utf8'), reference(), 'run `make docs` after changing the catalog')
})

t.test('each metric has one line, under its group', async t => {
  const sections = new Map(
    reference()
      .split('\n## ')
      .slice(1)
      .map(text => [/Group `(\w+)`/.exec(text)![1]!, text]),
  )
  t.strictSame([...sections.keys()], GROUPS)
  for (const { name, group, help } of Object.values<Metric>(M)) {
    const lines = sections
      .get(group!)!
      .split('\n')
      .filter(line => line.startsWith(`| \`${name}\` |`))
    t.equal(lines.length, 1, name)
    t.ok(lines[0]!.includes(help.replaceAll('|', '\\|')), name)
  }
})
