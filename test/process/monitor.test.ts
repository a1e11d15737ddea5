/**
 * monitor.test.ts - `weir monitor` as a command: what it prints, and its exit codes.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { RecordingWriter } from '../../src/datapath/source/recording-writer.js'
import { MAIN, runToEnd, weir } from '../support/command.js'
import { DROP_3, TRACE_2, VERDICT_40 } from '../support/records.js'

const RECORDS = 'examples/records.pcap'
const INVENTORY = 'examples/inventory.json'

t.test('a recording is printed line by line, with the names of the inventory file', async t => {
  const { code, stdout, stderr } = weir([
    'monitor',
    '--input-file',
    RECORDS,
    '--inventory',
    INVENTORY,
    '-v',
    '--cpu',
    '3',
  ])
  t.equal(code, 0)
  t.equal(stderr, '')
  const lines = stdout.split('\n').slice(0, -1)
  t.ok(lines.length > 1900)
  t.match(lines[0], '<- stack flow 0xa9d16b27 , identity 2961->16777217 state related ifindex 0 ')
  t.match(lines[1], ' ifindex lo ')
  t.ok(lines.some(line => line.startsWith('CPU 03: [pre-xlate-fwd] cgroup_id: ')))
})

t.test('filters select messages, and -n prints numbers instead of names', async t => {
  const args = ['--input-file', RECORDS, '-n', '-t', 'drop,trace', '--from', '101']
  const { code, stdout } = weir(['monitor', ...args])
  t.equal(code, 0)
  const read = stdout.split('\n').filter(line => /^(xx|->|<-)/.test(line))
  t.ok(read.length > 0)
  t.ok(read.every(line => /, identity \d+->\d+/.test(line)))
  t.notMatch(stdout, 'Policy verdict')
  t.match(stdout, / ifindex [1-9]\d? orig-ip/, 'without an inventory file an interface is its number')
})

t.test('wrong usage prints one line, with exit code 2', async t => {
  for (const [args, word] of [
    [['--input-file', RECORDS, '--server', 'unix:x'], '--server'],
    [['--input-file', RECORDS, '-t', 'recorder'], '"recorder"'],
    [['--input-file', RECORDS, 'extra'], 'arguments'],
  ] as const) {
    const { code, stdout, stderr } = weir(['monitor', ...args])
    t.equal(code, 2)
    t.equal(stdout, '')
    t.match(stderr, /^weir: [^\n]+\n$/)
    t.match(stderr, word)
  }
})

t.test('a damaged recording is printed up to the damage, with exit code 1', async t => {
  const path = join(t.testdir(), 'cut.pcap')
  const writer = new RecordingWriter(path)
  for (const record of [TRACE_2, DROP_3, VERDICT_40]) writer.append(record, 0, record.length, 1, 2)
  writer.close()
  const bytes = readFileSync(path)
  writeFileSync(path, bytes.subarray(0, bytes.length - 1))
  const { code, stdout, stderr } = weir(['monitor', '--input-file', path])
  t.equal(code, 1)
  t.match(stdout, /^-> network [^\n]*\nxx drop [^\n]*\n$/)
  t.match(stderr, /^weir: .*cut\.pcap: truncated at byte \d+: [^\n]+\n$/)
})

t.test('a missing file fails with one line', async t => {
  const { code, stdout, stderr } = weir(['monitor', '--input-file', join(t.testdir(), 'missing.pcap')])
  t.equal(code, 1)
  t.equal(stdout, '')
  t.match(stderr, /^weir: [^\n]*missing\.pcap[^\n]*\n$/)
})

t.test('a closed pipe ends the command silently, a full disk with an error', async t => {
  const command = `${process.execPath} ${MAIN} monitor --input-file ${RECORDS} -vv`
  const piped = runToEnd(['bash', '-c', `set -o pipefail; ${command} | head -n 1`])
  t.same(piped, { code: 0, stdout: `${'-'.repeat(78)}\n`, stderr: '' })
  const full = runToEnd(['bash', '-c', `${command} > /dev/full`])
  t.equal(full.code, 1)
  t.match(full.stderr, /^weir: [^\n]+\n$/)
})
