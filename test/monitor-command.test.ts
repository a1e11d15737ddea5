/**
 * monitor-command.test.ts - `weir monitor` as a command: its flags, its exit codes.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { RecordingWriter } from '../src/datapath/recording-writer.js'
import { MAIN, runToEnd, weir } from './command.js'
import { DROP_3, TRACE_2, VERDICT_40 } from './records.js'

const RECORDS = 'test/fixtures/records.pcap'
const WORLD = 'test/fixtures/world.json'

const lines = (args: string) => {
  const { code, stdout, stderr } = weir(['monitor', '--input-file', RECORDS, ...args.split(' ').filter(Boolean)])
  if (code !== 0 || stderr !== '') throw new Error(`weir monitor ${args}: ${code} ${stderr}`)
  return stdout.split('\n').slice(0, -1)
}

t.test('a recording is printed line by line', async t => {
  const all = lines('')
  t.ok(all.length > 1900)
  t.match(all[0], '<- stack flow 0xa9d16b27 , identity 2961->16777217 state related ifindex 0 ')
  t.match(all[1], ' ifindex 1 ', 'without names an interface is its number')
  t.match(lines(`--world ${WORLD}`)[1], ' ifindex lo ')
})

t.test('the flags of cilium monitor are understood', async t => {
  t.ok(lines('-v').some(line => line.startsWith('CPU 01: [pre-xlate-fwd] ')))
  t.ok(lines('--cpu 3 -v').some(line => line.startsWith('CPU 03: [pre-xlate-fwd] ')))
  t.ok(lines('-vv').some(line => line.startsWith('Ethernet\t{')))
  t.notOk(lines('-vv --hex -t trace').some(line => line.startsWith('Ethernet\t{')))
  t.ok(lines('-n').some(line => line.includes(' identity 1->')))
  t.notOk(lines('-n').some(line => line.includes(' identity host->')))
  t.same(lines('-j'), lines('--output json'))
  t.type(JSON.parse(lines('-j')[0]!), 'object')
  t.same(lines('-t drop -t capture'), lines('--type drop,capture'))
  t.ok(
    lines('--from 260 -t trace').every(line => /260|Unknown event|cannot decode/.test(line) || line.includes(' flow ')),
  )
  const traces = lines('-t trace')
  const from = lines('--from 260 -t trace')
  t.ok(from.length < traces.length)
  t.ok(from.some(line => line.includes(' flow ')))
  t.ok(from.every(line => traces.includes(line)))
  t.ok(lines('--related-to 260').length > lines('--to 260').length)
})

t.test('a wrong flag is told in one line that says what is allowed, with exit code 2', async t => {
  for (const [line, ...words] of [
    ['', '--input-file'],
    [
      `--input-file ${RECORDS} -t recorder`,
      '"recorder"',
      'drop, debug, capture, trace, policy-verdict, trace-sock, l7, agent',
    ],
    [`--input-file ${RECORDS} --from web`, '--from', "'web'", '65535'],
    [`--input-file ${RECORDS} --to 65536`, '--to', '65535'],
    [`--input-file ${RECORDS} --related-to -1`, '--related-to', '65535'],
    [`--input-file ${RECORDS} -o yaml`, 'yaml', 'text, json'],
    [`--input-file ${RECORDS} --cpu many`, '--cpu'],
    [`--input-file ${RECORDS} --frob`, '--frob'],
    [`--input-file ${RECORDS} extra`, 'arguments'],
  ] as const) {
    const { code, stdout, stderr } = weir(['monitor', ...line.split(' ').filter(Boolean)])
    t.equal(code, 2, line)
    t.equal(stdout, '')
    t.match(stderr, /^weir: [^\n]+\n$/)
    for (const word of words) t.ok(stderr.includes(word), `${JSON.stringify(stderr)} names ${word}`)
  }
})

t.test('a damaged recording is printed up to the damage, with exit code 1', async t => {
  const path = join(t.testdir(), 'cut.pcap')
  const writer = new RecordingWriter(path)
  for (const record of [TRACE_2, DROP_3, VERDICT_40]) writer.append(record, 0, record.length, 1, 2)
  writer.close()
  const { stdout: whole } = weir(['monitor', '--input-file', path])
  t.equal(whole.split('\n').length, 4)
  const bytes = readFileSync(path)
  writeFileSync(path, bytes.subarray(0, bytes.length - 1))
  const { code, stdout, stderr } = weir(['monitor', '--input-file', path])
  t.equal(code, 1)
  t.equal(stdout, whole.split('\n').slice(0, 2).join('\n').concat('\n'))
  t.match(stderr, /^weir: .*cut\.pcap: truncated at byte \d+: [^\n]+\n$/)
})

t.test('a file that is missing or no recording is a failure of one line', async t => {
  const path = join(t.testdir({ 'none.pcap': 'this is no recording at all' }), 'none.pcap')
  for (const file of [path, `${path}.missing`]) {
    const { code, stdout, stderr } = weir(['monitor', '--input-file', file])
    t.equal(code, 1)
    t.equal(stdout, '')
    t.match(stderr, /^weir: [^\n]+\n$/)
  }
})

t.test('a reader that goes away ends the command without a word', async t => {
  const pipe = `set -o pipefail; ${process.execPath} ${MAIN} monitor --input-file ${RECORDS} -vv | head -n 1`
  const { code, stdout, stderr } = runToEnd(['bash', '-c', pipe])
  t.equal(stdout, `${'-'.repeat(78)}\n`)
  t.equal(stderr, '')
  t.equal(code, 0)
})
