/**
 * reference.test.ts - docs/configuration.md and its JSON schema match the settings and list each exactly once.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { generated } from '../../src/config/generated.js'
import { reference } from '../../src/config/reference.js'
import { NAMES, SETTINGS } from '../../src/config/schema.js'
import { type Setting, variableOf } from '../../src/config/setting.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

for (const [path, text] of generated()) {
  t.test(`${path} is up to date`, async t => {
    t.equal(readFileSync(join(ROOT, path), 'utf8'), text, 'run `make docs` after changing the settings')
  })
}

t.test('each setting has one entry with its help, its variable and its reload mark', async t => {
  const entries = reference().split(/\n(?=\* `--)/)
  for (const name of NAMES) {
    const { help, reload = false }: Setting<unknown> = SETTINGS[name]
    const mine = entries.filter(entry => entry.includes(`\`${variableOf(name)}\`,`))
    t.equal(mine.length, 1, name)
    t.ok(mine[0]?.includes(`${help}.`), name)
    t.equal(mine[0]?.includes('*reload*'), reload, name)
  }
})
