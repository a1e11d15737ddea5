/**
 * yaml-text.test.ts - YAML files that are wrong in any way end in one line, soon.
 */
import t from 'tap'
import { ConfigFile } from '../../src/config/config-file.js'
import { parseInventory } from '../../src/datapath/inventory/inventory.js'
import { parseWebConfig } from '../../src/web/web-config.js'

const BOMB = `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n`
const TOO_LARGE = `# ${'x'.repeat(9 << 20)}`

/** Each reader of YAML files, as a function from text to the error. */
const READERS: Readonly<Record<string, (text: string) => string>> = {
  inventory: text => messageOf(() => parseInventory(text, 'f')),
  'web config': text => messageOf(() => parseWebConfig(text, 'f')),
  configuration: text =>
    new ConfigFile('f', text).problems.map(({ where, message }) => `${where}: ${message}`).join('\n') || 'accepted',
}

function messageOf(read: () => unknown): string {
  try {
    read()
    return 'accepted'
  } catch (error) {
    return (error as Error).message
  }
}

/** Texts by their fault; `under`: a key of the reader that takes any value. */
const FAULTS: readonly [string, (under: string) => string, RegExp][] = [
  ['an unresolved alias', under => `${under}: *nowhere\n`, /not YAML: Unresolved alias/],
  [
    'aliases of aliases',
    under => `${under}:\n${`${BOMB}d: [*c,*c,*c,*c,*c,*c,*c,*c]`.replace(/^/gm, '  ')}\n`,
    /not YAML: Excessive alias count/,
  ],
  ['the key __proto__', under => `${under}: { __proto__: x }\n`, /key __proto__: allowed: any other key/],
  ['a key twice', under => `${under}: { a: x, a: y }\n`, /not YAML: Map keys must be unique/],
  ['10,000 nested lists', under => `${under}: ${'['.repeat(10_000)}\n`, /not YAML: more than 100 levels/],
  [
    '10,000 nested lists in block form',
    under => `${under}:\n  ${'- '.repeat(10_000)}x\na: b\n`,
    /more than 100 levels/,
  ],
  ['10,000 nested keys', under => `${under}:\n  ${'? '.repeat(10_000)}x\na: b\n`, /more than 100 levels/],
  ['101 nested maps', under => `${under}: ${'{ a: '.repeat(101)}x${' }'.repeat(101)}\n`, /more than 100 levels/],
  ['nine megabytes', () => TOO_LARGE, /9 MB of YAML; allowed: up to [18] MB|10 MB of YAML; allowed: up to [18] MB/],
]
const ANY_VALUE: Readonly<Record<string, string>> = {
  inventory: 'dns',
  'web config': 'basic_auth_users',
  configuration: 'cidr-group',
}

for (const [reader, read] of Object.entries(READERS)) {
  for (const [fault, text, words] of FAULTS) {
    t.test(`${reader}: ${fault} is an error of one line`, async t => {
      const message = read(text(ANY_VALUE[reader]!))
      t.match(message, words)
      t.match(message, /^f/)
      t.notMatch(message.split('\n').slice(1).join(), /Error|\n\s+at /)
    })
  }
}

t.test('JSON that is nested too deeply is an error, as any other wrong value', async t => {
  t.match(READERS.inventory!(`{"dns": ${'['.repeat(10_000)}${']'.repeat(10_000)}}`), /dns: .*allowed: a map/)
})

t.test('a map with 50,000 keys is read in seconds', async t => {
  const keys = Array.from({ length: 50_000 }, (_, i) => `  10.${i >> 16}.${(i >> 8) & 255}.${i & 255}/32: 7\n`)
  // CPU time, which a busy machine does not stretch.
  const start = process.cpuUsage()
  const { cidrs } = parseInventory(`cidrs:\n${keys.join('')}`, 'f')
  t.equal(Object.keys(cidrs).length, 50_000)
  const { user } = process.cpuUsage(start)
  t.ok(user < 15e6, `${user / 1e6} s`)
})
