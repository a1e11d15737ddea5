/**
 * observe.test.ts - `weir observe` on a recording: output, refused flags, exit codes.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { weir } from '../support/command.js'

const INPUT = ['--input-file', 'examples/records.pcap', '--inventory', 'examples/inventory.json']
const observe = (...words: string[]) => weir(['observe', ...words])
const count = (...words: string[]) => observe(...INPUT, ...words).stdout.split('\n').length - 1

t.test('a whole recording is printed by default, and filters select flows', async t => {
  t.equal(count(), 1918)
  t.equal(count('--all'), 1918)
  t.equal(count('--last', '5'), 5)
  t.equal(count('--verdict', 'DROPPED') + count('--not', '--verdict', 'DROPPED'), 1918)
  t.equal(count('-t', 'drop', '--first', '7'), 7)
})

t.test('--print-node-name, --numeric and --time-format change the lines', async t => {
  const { stdout } = observe(...INPUT, '--first', '1', '--print-node-name', '--numeric', '--time-format', 'rfc3339')
  t.match(stdout, /^2023-11-14T22:13:20Z \[[^\]]+\]: 10\.201\.53\.11:50232 \(ID:2961\) -> 93\.184\.216\.34:9090 /)
})

t.test('invalid flags are refused in one line that says what is allowed, with exit code 2', async t => {
  const refused: [string[], RegExp][] = [
    [['--verdict', 'NO'], /--verdict.*"NO" is not a verdict; allowed: FORWARDED/],
    [['-o', 'xml'], /xml.*Allowed choices are compact, dict, json, JSON, jsonpb, tab, table/],
    [['--time-format', 'x'], /Allowed: YearMonthDay/],
    [['--last', '0'], /Allowed: a whole number from 1 to 1000000/],
    [['--first', '1', '--last', '1'], /cannot be used with/],
    [['--all', '--last', '1'], /cannot be used with/],
    [['--since', 'x'], /"x" is not a time; allowed/],
    [['--not'], /--not is the last flag; allowed/],
    [['--not', '--not', '--pod', 'a'], /--not follows another --not/],
    [['--ipv4', '--namespace', 'a', '--from-namespace', 'b'], /cannot be combined; allowed: one of/],
    [['--nonsense'], /unknown option '--nonsense'; see weir observe --help/],
  ]
  for (const [words, message] of refused) {
    const { code, stdout, stderr } = observe(...INPUT, ...words)
    t.equal(code, 2, words.join(' '))
    t.equal(stdout, '')
    t.match(stderr, message)
    t.equal(stderr.split('\n').length, 2, 'one line')
  }
})

t.test('a missing or invalid recording or inventory fails', async t => {
  t.match(weir(['observe', '--input-file', '/nowhere/at.all']), { code: 1, stderr: /no such file/ })
  t.match(observe('--input-file', 'package.json'), { code: 1, stderr: /not a recording/ })
  t.match(observe('--input-file', 'examples/records.pcap', '--inventory', '/nowhere/at.all'), { code: 1 })
})

t.test('a damaged recording prints the flows before the damage, and fails', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-observe-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const cut = join(folder, 'cut.pcap')
  writeFileSync(cut, readFileSync('examples/records.pcap').subarray(0, 5000))
  const { code, stdout, stderr } = observe('--input-file', cut)
  t.equal(code, 1)
  t.ok(stdout.split('\n').length > 10)
  t.match(stderr, /truncated/)
})
