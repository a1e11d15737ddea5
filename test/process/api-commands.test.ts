/**
 * api-commands.test.ts - the commands of the flow API: flags, output, errors.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { queryOf } from '../../src/cli/observe-server.js'
import { statusLines } from '../../src/cli/status.js'
import { ObserverClient } from '../../src/hubble/api/client.js'
import { weir } from '../support/command.js'
import { Following } from '../support/following.js'
import { socketPath } from '../support/served-flows.js'
import { until } from '../support/until.js'
import { listeningUrl, startWeir } from '../support/weir-process.js'

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url))
const REPLAY = ['--source', `replay:${EXAMPLES}records.pcap`, '--inventory', `${EXAMPLES}inventory.json`]
const ALL = { allow: [], deny: [] }

t.test('the flags of observe make a query as in hubble observe', async t => {
  const query = (selection: object, more: object = {}) =>
    queryOf({ selection: { ...ALL, ...selection }, all: false, follow: false, ...more })
  t.match(query({}), { number: 20, first: false, follow: false })
  t.match(query({}, { follow: true }), { number: 0, follow: true })
  t.match(query({ last: 3 }, { follow: true }), { number: 3, follow: true })
  t.match(query({}, { all: true }), { number: Number.MAX_SAFE_INTEGER })
  t.match(query({}, { all: true, follow: true }), { number: Number.MAX_SAFE_INTEGER, follow: true })
  t.match(query({ first: 7 }), { number: 7, first: true })
  t.match(query({ since: '2026-01-02T03:04:05.000000000Z' }), { number: 0, since: '2026-01-02T03:04:05.000000000Z' })
  const before = { until: '2026-01-02T03:04:05.000000000Z' }
  t.match(query(before, { all: true }), { number: 0, ...before })
  t.notOk('until' in query(before, { follow: true }), 'until does not end a follower')
})

t.test('wrong usage prints one line, with exit code 2', async t => {
  for (const [args, word] of [
    [['run', '--flow-buffer', '4096'], 'power of two minus one'],
    [['run', '--hubble.listen-address', 'nowhere'], 'unix:///PATH'],
    [['run', '--hubble.listen-address', 'tls://a:1'], 'allowed'],
    [['observe', '--server', 'a.sock'], 'unix:///PATH'],
    [['observe', '--server', ':1', '--input-file', 'a'], '--input-file'],
    [['observe', '--follow', '-o', 'table'], 'table output format is not compatible with follow mode'],
    [['observe', '--follow', '--first', '1'], '--first'],
    [['status', '--server', ''], 'unix:///PATH'],
    [['identity', 'get', 'host'], 'whole number'],
  ] as const) {
    const { code, stdout, stderr } = weir(args)
    t.equal(code, 2, args.join(' '))
    t.equal(stdout, '')
    t.match(stderr, /^weir: [^\n]+\n$/)
    t.match(stderr, word)
  }
})

t.test('identities are listed with their labels, one per line', async t => {
  const inventory = join(t.testdir({}), 'inventory.json')
  writeFileSync(
    inventory,
    JSON.stringify({ identities: { 1234: ['k8s:b=2', 'k8s:a=1'] }, cidrs: { '10.0.0.0/8': 16777217 } }),
  )
  const { stdout } = weir(['identity', 'list', '--inventory', inventory])
  t.match(stdout, /^ID {10}LABELS\n1 {11}reserved:host\n/)
  t.match(stdout, /\n1234 {8}k8s:a=1\n {12}k8s:b=2\n16777217\n$/)
  t.equal(
    weir(['identity', 'get', '1234', '--inventory', inventory]).stdout,
    'ID          LABELS\n1234        k8s:a=1\n            k8s:b=2\n',
  )
  t.equal(weir(['identity', 'get', '6']).stdout, 'ID          LABELS\n6           reserved:remote-node\n')
  const { code, stderr } = weir(['identity', 'get', '1234'])
  t.strictSame([code, stderr], [1, 'weir: identity 1234: no labels; see weir identity list\n'])
})

t.test('the status has the lines of hubble status', async t => {
  const counts = { num_flows: '4095', max_flows: '8190', seen_flows: '1234567', uptime_ns: '61000000000' }
  t.strictSame(statusLines({ ...counts, flows_rate: 12.345, version: 'v1' }), [
    'Current/Max Flows: 4,095/8,190 (50.00%)',
    'Flows/s: 12.35',
    'Seen flows: 1,234,567',
    'Uptime: 61 s',
    'Version: v1',
  ])
  const nodes = { num_connected_nodes: 3, num_unavailable_nodes: 1, unavailable_nodes: ['n4'] }
  t.strictSame(statusLines({ ...counts, ...nodes }).slice(2, 5), [
    'Connected Nodes: 3/4',
    'Unavailable Nodes: 1',
    '  - n4',
  ])
})

t.test('a replay is served like a live source, on several addresses', async t => {
  const path = socketPath(t)
  const addresses = ['--hubble.listen-address', `unix://${path}`, '--hubble.listen-address', '127.0.0.1:0']
  const running = await startWeir([...REPLAY, '--flow-buffer', '1023', ...addresses])
  t.teardown(() => running.stop('SIGKILL'))
  const port = /flow API listening" address=(127\.0\.0\.1:\d+)/.exec(running.stderr())?.[1]
  for (const server of [`unix://${path}`, port!]) {
    const file = ['observe', '--input-file', `${EXAMPLES}records.pcap`, '--inventory', `${EXAMPLES}inventory.json`]
    const last = ['--last', '50', '--verdict', 'DROPPED', '--time-format', 'RFC3339Nano']
    t.equal(
      weir(['observe', '--server', server, ...last]).stdout,
      weir([...file, ...last]).stdout,
      'the same as from the file',
    )
  }
  const client = await ObserverClient.connect(port!)
  t.match(await client.serverStatus(), { num_flows: '1023', max_flows: '1023' })
  client.close()
})

t.test('an address in use fails the start, and none disables the flow API', async t => {
  const path = socketPath(t)
  const first = await startWeir([...REPLAY, '--hubble.listen-address', `unix://${path}`])
  t.teardown(() => first.stop('SIGKILL'))
  const args = ['run', ...REPLAY, '--web.listen-address', '127.0.0.1:0', '--hubble.listen-address', `unix://${path}`]
  const { code, stderr } = weir(args)
  t.equal(code, 1)
  t.match(stderr, `weir: flow API: ${path}: another process is listening\n`)
  const none = await startWeir([...REPLAY, '--hubble.listen-address', 'none'])
  t.teardown(() => none.stop('SIGKILL'))
  t.notMatch(none.stderr(), /flow API/)
})

t.test('the socket of a killed process is replaced, and a file that is not a socket is kept', async t => {
  const path = socketPath(t)
  const first = await startWeir([...REPLAY, '--hubble.listen-address', `unix://${path}`])
  await first.stop('SIGKILL')
  const second = await startWeir([...REPLAY, '--hubble.listen-address', `unix://${path}`])
  t.equal(weir(['status', '--server', `unix://${path}`]).code, 0)
  await second.stop()
  writeFileSync(path, 'mine')
  const { code, stderr } = weir([
    'run',
    ...REPLAY,
    '--web.listen-address',
    '127.0.0.1:0',
    '--hubble.listen-address',
    `unix://${path}`,
  ])
  t.equal(code, 1)
  t.match(stderr, 'exists and is not a socket')
})

t.test('a second Weir on the default address logs that its flow API is disabled, and runs', async t => {
  const start = () => new Following(t, ['run', ...REPLAY, '--web.listen-address', '127.0.0.1:0'])
  const first = start()
  await until('the first listens', () => listeningUrl(first.stderr))
  const second = start()
  await until('the second listens', () => listeningUrl(second.stderr))
  t.match(second.stderr, /msg="flow API disabled" err=/)
  const both = [first, second]
  for (const each of both) each.process.kill('SIGTERM')
  t.strictSame(await Promise.all(both.map(({ ended }) => ended)), [0, 0])
})
