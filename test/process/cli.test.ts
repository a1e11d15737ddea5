/**
 * cli.test.ts - the command line: errors take one line; exit code 2 for wrong usage, 1 for failure.
 */
import { once } from 'node:events'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { RecordingWriter } from '../../src/datapath/source/recording-writer.js'
import { type Ended, MAIN, runToEnd, weir } from '../support/command.js'
import { exposition, GOLDEN } from '../support/golden.js'
import { patched, TRACE_2, VERDICT_40, WEIR_TRACE_RECORD } from '../support/records.js'
import { Samples } from '../support/samples.js'
import { startWeir } from '../support/weir-process.js'

const RECORDS = 'examples/records.pcap'
const WORLD = 'examples/inventory.json'
/** In records.pcap. */
const ALL = 1969
const ROOT = process.getuid?.() === 0
const NO_CAPABILITIES = ROOT ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all'] : []

function oneLine(t: Test, { code, stdout, stderr }: Ended, expected: number, words: readonly string[]): void {
  t.equal(code, expected, stderr)
  t.equal(stdout, '')
  t.match(stderr, /^weir: [^\n]+\n$/)
  for (const word of words) t.ok(stderr.includes(word), `${JSON.stringify(stderr)} names ${word}`)
}

function recording(path: string, records: readonly Uint8Array[]): string {
  const writer = new RecordingWriter(path)
  for (const record of records) writer.append(record, 0, record.length, 1, 2)
  writer.close()
  return path
}

t.test('wrong usage is refused with the word, its value and what is allowed, and exit code 2', async t => {
  for (const [line, ...words] of [
    ['frob', "'frob'", 'run', 'metrics', 'record', 'demo', 'probe'],
    ['--frob', "'--frob'", 'weir --help'],
    ['run --frob', "'--frob'", 'weir run --help'],
    ['run --report-interval 5', '--report-interval', "'5'", '100ms to 1h'],
    ['run --report-interval 1ms', '--report-interval', "'1ms'", '100ms to 1h'],
    ['run --drain-interval soon', '--drain-interval', "'soon'", '10ms to 1m'],
    ['run --interfaces [x', '--interfaces', "'[x'", '[a-z]'],
    ['run --uplinks [z-a]', '--uplinks', 'z-a', '[a-z]'],
    ['run --web.listen-address nowhere', '--web.listen-address', "'nowhere'", 'HOST:PORT'],
    ['run --web.listen-address :65536', '--web.listen-address', "':65536'", '0 to 65535'],
    ['run --web.telemetry-path metrics', '--web.telemetry-path', "'metrics'", '/metrics'],
    ['run --source file', '--source', "'file'", 'live', 'replay:FILE'],
    ['run --source replay:', '--source', "'replay:'", 'replay:FILE'],
    ['run --ring-pages 3', '--ring-pages', "'3'", 'power of two', '4096'],
    ['run --connections 0', '--connections', "'0'", '1 to 16777216'],
    ['run --attach glue', '--attach', "'glue'", 'tcx', 'tc'],
    ['run --log.level loud', '--log.level', "'loud'", 'debug, info, warn, error'],
    ['run more', "'run'", 'got 1'],
    ['metrics', '--input-file'],
    ['metrics --input-file', '--input-file', 'missing'],
    ['record', '--output'],
    ['record -o x --duration 2d', '--duration', "'2d'", '24h'],
  ] as const) {
    oneLine(t, weir(line.split(' ')), 2, words)
  }
  oneLine(t, weir(['run', '--inventory', '']), 2, ['--inventory', "''", 'path'])
})

t.test('help and version end with 0, and no command at all with 2 and the help', async t => {
  for (const words of [['--help'], ['help'], ['run', '--help'], ['help', 'metrics']]) {
    const { code, stdout, stderr } = weir(words)
    t.equal(code, 0)
    t.match(stdout, /^Usage: weir/)
    t.equal(stderr, '')
  }
  t.match(weir(['--version']), {
    code: 0,
    stdout: /^weir, version \d+\.\d+\.\d+ \(branch: \S+, revision: \S+\)\n( {2}[a-z ]+: +\S+\n){4}$/,
    stderr: '',
  })
  t.match(weir([]), { code: 2, stdout: '', stderr: /^Usage: weir/ })
})

t.test('an inventory file that is missing or malformed is named with its line, and exit code 1', async t => {
  const dir = t.testdir({
    'cut.json': '{\n "cidrs": {\n',
    'wrong.json': '{\n "cidrs": {\n  "10.0.0.0/33": 2\n }\n}\n',
    'wrong.yaml': 'cidrs:\n  10.0.0.0/8: 2\nendpoints:\n  - ips: [10.0.0.300]\n    identity: 5\n',
    'cut.yaml': 'cidrs:\n  "10.0.0.0/8: 2\n',
  })
  for (const [name, ...words] of [
    ['none.json', 'no such file'],
    ['cut.json', 'cut.json:3:', 'not JSON'],
    ['wrong.json', 'wrong.json:3:', '10.0.0.0/33', 'allowed'],
    ['wrong.yaml', 'wrong.yaml:4:', '10.0.0.300', 'allowed'],
    ['cut.yaml', 'cut.yaml:', 'not YAML'],
  ] as const) {
    const inventory = ['--inventory', join(dir, name)]
    oneLine(t, weir(['metrics', '--input-file', RECORDS, ...inventory]), 1, [name, ...words])
  }
  oneLine(t, weir(['run', '--source', `replay:${RECORDS}`, '--inventory', join(dir, 'cut.json')]), 1, ['cut.json:3:'])
  oneLine(t, weir(['metrics', '--input-file', RECORDS, '--inventory', dir]), 1, [dir, 'directory'])
})

t.test('a recording that is missing or no recording is named, and exit code 1', async t => {
  const header = readFileSync(RECORDS).subarray(0, 24)
  const ethernet = patched(header, 20, 1)
  const dir = t.testdir({ 'text.pcap': 'twenty-four bytes of text', 'empty.pcap': '', 'eth.pcap': ethernet })
  for (const [name, ...words] of [
    ['none.pcap', 'no such file'],
    ['text.pcap', 'not a recording', 'allowed'],
    ['empty.pcap', 'not a recording', '0 bytes'],
    ['eth.pcap', 'link type 1', '147'],
  ] as const) {
    const path = join(dir, name)
    oneLine(t, weir(['metrics', '--input-file', path]), 1, [path, ...words])
    oneLine(t, weir(['run', '--web.listen-address', '127.0.0.1:0', '--source', `replay:${path}`]), 1, [path, ...words])
  }
  oneLine(t, weir(['metrics', '--input-file', dir]), 1, [dir, 'directory'])
})

t.test('a port in use is named, and exit code 1', async t => {
  const taken = createServer().listen(0, '127.0.0.1')
  t.teardown(() => taken.close())
  await once(taken, 'listening')
  const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`
  const words = ['run', '--source', `replay:${RECORDS}`, '--web.listen-address', address]
  oneLine(t, weir(words), 1, [address, 'in use'])
})

t.test('what the kernel will not allow is named by capability, and exit code 1', async t => {
  for (const words of [['run', '--web.listen-address', '127.0.0.1:0'], ['probe'], ['record', '-o', '/dev/null']]) {
    oneLine(t, weir(words, NO_CAPABILITIES), 1, ['missing: CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN'])
  }
  if (!ROOT) return
  const without = (...names: string[]) => ['setpriv', `--bounding-set=${names.map(n => `-${n}`)}`, '--inh-caps=-all']
  oneLine(t, weir(['probe'], without('net_admin')), 1, ['missing: CAP_NET_ADMIN'])
  oneLine(t, weir(['probe'], without('bpf', 'sys_admin')), 1, ['missing: CAP_BPF'])
})

t.test('an output that cannot be written is named, and exit code 1', { skip: !ROOT && 'needs root' }, async t => {
  const words = ['record', '--interfaces', 'weir-none', '--log.level', 'error', '--duration', '100ms', '-o']
  oneLine(t, weir([...words, '/proc/nowhere/x.pcap']), 1, ['/proc/nowhere/x.pcap', 'no such file or directory'])
  oneLine(t, weir([...words, '/dev/full']), 1, ['/dev/full', 'no space left'])
  const { code, stderr } = runToEnd([
    'sh',
    '-c',
    `${process.execPath} ${MAIN} metrics --input-file ${RECORDS} >/dev/full`,
  ])
  t.equal(code, 1)
  t.equal(stderr, 'weir: standard output: no space left on device\n')
})

t.test('a reader that leaves early ends it quietly', async t => {
  const command = `${process.execPath} ${MAIN} metrics --input-file ${RECORDS} --inventory ${WORLD}`
  const { code, stdout, stderr } = runToEnd(['bash', '-o', 'pipefail', '-c', `${command} | head -n 1`])
  t.equal(code, 0)
  t.match(stdout, /^# HELP [^\n]+\n$/)
  t.equal(stderr, '')
})

t.test('the exposition of a recording is the golden one', async t => {
  t.equal(exposition(), readFileSync(GOLDEN, 'utf8'), 'after a wanted change: make golden')
})

t.test('each record of a recording is counted, ignored or a fault, and none is an error', async t => {
  const strange = [TRACE_2, VERDICT_40, patched(TRACE_2, 0, 99), patched(TRACE_2, 14, 9), patched(TRACE_2, 15, 7)]
  const cut = WEIR_TRACE_RECORD.subarray(0, 200)
  const small = recording(join(t.testdir({}), 'strange.pcap'), [...strange, cut, Buffer.alloc(0)])
  for (const [file, records] of [
    [RECORDS, ALL],
    [small, 7],
  ] as const) {
    const { code, stdout, stderr } = weir(['metrics', '--input-file', file, '--inventory', WORLD])
    t.equal(code, 0)
    t.equal(stderr, '')
    const page = Samples.parse(stdout)
    t.equal(page.sum('weir_records_total') + page.sum('weir_decode_faults_total'), records)
    for (const fault of file === small ? ['type', 'version', 'extension', 'short'] : ['type', 'short']) {
      t.ok(page.sum('weir_decode_faults_total', { reason: fault }) > 0, fault)
    }
  }
})

t.test('a truncated recording: the page of what precedes the damage, its place, and exit code 1', async t => {
  const whole = readFileSync(RECORDS)
  const path = join(t.testdir({}), 'cut.pcap')
  writeFileSync(path, whole.subarray(0, 5000))
  const { code, stdout, stderr } = weir(['metrics', '--input-file', path, '--inventory', WORLD])
  t.equal(code, 1)
  t.match(stderr, /^weir: \S+cut\.pcap: truncated at byte 4959: [^\n]+\n$/)
  t.ok(Samples.parse(stdout).sum('weir_flow_packets_total') > 0)
})

t.test('a replay serves what the command prints, is ready when read, and goes on serving', async t => {
  const server = await startWeir(['--source', `replay:${RECORDS}`, '--inventory', WORLD])
  t.teardown(() => server.stop('SIGKILL'))
  const printed = Samples.parse(weir(['metrics', '--input-file', RECORDS, '--inventory', WORLD]).stdout)
  const served = await server.metrics()
  for (const family of ['weir_flow_packets_total', 'weir_drop_bytes_total', 'weir_records_total']) {
    t.strictSame(served.series(family), printed.series(family), family)
  }
  t.strictSame((await server.metrics()).series('weir_flow_packets_total'), served.series('weir_flow_packets_total'))
  t.match(await (await fetch(server.url)).text(), /recording read/)
  t.strictSame(await server.stop(), { code: 0, signal: null })
  t.notMatch(server.stderr(), /level=error/)
})

t.test('a replay of a damaged recording says so and serves what precedes the damage', async t => {
  const path = join(t.testdir({}), 'cut.pcap')
  writeFileSync(path, readFileSync(RECORDS).subarray(0, 5000))
  const server = await startWeir(['--source', `replay:${path}`, '--inventory', WORLD])
  t.teardown(() => server.stop('SIGKILL'))
  t.ok((await server.metrics()).sum('weir_flow_packets_total') > 0)
  t.match(server.stderr(), /level=error msg="recording damaged" .*truncated at byte 4959/)
  const landing = await (await fetch(server.url)).text()
  t.match(
    landing,
    /<li class="error"><time>[^<]*<\/time>recording damaged: .*truncated at byte 4959/,
    'the landing page shows it, too',
  )
  t.match(landing, /<dt>source<\/dt><dd>replay:/)
  t.match(landing, /<dt>state<\/dt><dd>.*truncated/)
  t.strictSame(await server.stop(), { code: 0, signal: null })
})

t.test('the installed command says when the checkout is not built, and exit code 1', async t => {
  const folder = t.testdir({ deploy: { bin: {} } })
  const launcher = join(folder, 'deploy/bin/weir.mjs')
  copyFileSync('deploy/bin/weir.mjs', launcher)
  const { code, stderr } = runToEnd([process.execPath, launcher])
  t.strictSame([code, stderr], [1, 'weir: this checkout is not built: run make build first\n'])
})
