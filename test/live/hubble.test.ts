/**
 * hubble.test.ts - hubble_* metrics of the built command: of a recording, of a running replay, of live traffic.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ping } from '../../src/lab/traffic.js'
import { weir } from '../support/command.js'
import { differences, parseSeries, readFixture } from '../support/hubble-metrics.js'
import { until } from '../support/until.js'
import { labOf, ROOT, watch } from '../support/watched-lab.js'
import { startWeir } from '../support/weir-process.js'

const RECORDS = 'examples/records.pcap'
const WORLD = 'examples/inventory.json'

t.test('weir metrics prints them beside its own', async t => {
  const config = readFixture('metrics-2.config')
  const { code, stdout } = weir(['metrics', '--input-file', RECORDS, '--inventory', WORLD, '--hubble-metrics', config])
  t.equal(code, 0)
  t.strictSame(differences(parseSeries(readFixture('metrics-2.prom.gz')), parseSeries(stdout)), [])
  t.match(stdout, /\nhubble_lost_events_total\{source="perf_event_ring_buffer"\} 0\n/)
  t.match(stdout, /\nweir_flow_packets_total\{/)
  t.match(stdout, /\nweir_series\{family="hubble_drop_total"\} \d+\n/)
})

t.test('without the flag there are none', async t => {
  const { code, stdout } = weir(['metrics', '--input-file', RECORDS, '--inventory', WORLD])
  t.equal(code, 0)
  t.notMatch(stdout, /^hubble_|weir_hubble_/m)
})

t.test('an unknown word is wrong usage, named with what is allowed', async t => {
  const folder = t.testdir({ 'bad.yaml': 'metrics: [{ name: dorp }]', 'good.yaml': 'metrics: [{ name: drop }]' })
  const file = (name: string) => ['--hubble-dynamic-metrics-config-path', join(folder, name)]
  for (const [args, ...words] of [
    [['--hubble-metrics', 'drop dorp'], '--hubble-metrics', '"dorp"', 'flows-to-world'],
    [['--hubble-metrics', 'drop:sourceContext=pods'], '"pods"', 'pod-name, dns, ip'],
    [['--hubble-metrics', 'drop:labelsContext=source'], '"source"', 'source_pod'],
    [['--hubble-metrics', 'drop:any-drop'], '"any-drop"', 'sourceContext'],
    [['--hubble-metrics', ''], 'no metric given'],
    [file('bad.yaml'), 'bad.yaml', '"dorp"', 'flows-to-world'],
    [file('none.yaml'), 'none.yaml', 'no such file'],
    [[...file('good.yaml'), '--hubble-metrics', 'drop'], 'cannot be combined with'],
  ] as const) {
    for (const command of [['metrics', '--input-file', RECORDS], ['run']]) {
      const { code, stdout, stderr } = weir([...command, ...args])
      t.equal(code, 2, `${command[0]} ${args.join(' ')}`)
      t.equal(stdout, '')
      t.match(stderr, /^weir: [^\n]+\n$/)
      for (const word of words) t.ok(stderr.includes(word), `${JSON.stringify(stderr)} names ${word}`)
    }
  }
})

t.test('a running replay serves them', async t => {
  const config = readFixture('metrics-3.config')
  const running = await startWeir(['--source', `replay:${RECORDS}`, '--inventory', WORLD, '--hubble-metrics', config])
  t.teardown(() => running.stop('SIGKILL'))
  const page = await (await fetch(`${running.url}/metrics`)).text()
  t.strictSame(differences(parseSeries(readFixture('metrics-3.prom.gz')), parseSeries(page)), [])
  t.equal((await running.stop()).code, 0)
})

t.test('a running Weir follows its file, and says so when it cannot', async t => {
  const file = join(t.testdir({ 'metrics.yaml': 'metrics: [{ name: drop }]' }), 'metrics.yaml')
  const flag = '--hubble-dynamic-metrics-config-path'
  const running = await startWeir(['--source', `replay:${RECORDS}`, '--inventory', WORLD, flag, file])
  t.teardown(() => running.stop('SIGKILL'))
  const first = await running.metrics()
  t.equal(first.get('weir_hubble_config_last_reload_successful'), 1)
  const time = 'weir_hubble_config_last_reload_success_timestamp_seconds'
  const drops = first.sum('hubble_drop_total')
  t.ok(drops > 0)
  const reloads = (result: string) => async () =>
    (await running.metrics()).get('weir_hubble_config_reloads_total', { result }) === 1
  writeFileSync(file, 'metrics: [{ name: dorp }]')
  await until('the broken file is counted', reloads('refused'))
  const broken = await running.metrics()
  t.equal(broken.get('weir_hubble_config_last_reload_successful'), 0)
  t.equal(broken.get(time), first.get(time))
  t.equal(broken.sum('hubble_drop_total'), drops)
  t.match(running.stderr(), /unknown metric \\?"dorp/)
  writeFileSync(file, 'metrics: [{ name: drop, contextOptions: [{ name: sourceContext, values: [pod] }] }]')
  await until('the new file is in force', reloads('applied'))
  const reloaded = await running.metrics()
  t.equal(reloaded.get('weir_hubble_config_last_reload_successful'), 1)
  t.ok(reloaded.get(time)! > first.get(time)!)
  t.equal(reloaded.sum('hubble_drop_total'), 0, 'a metric with other labels restarts')
})

t.test('live traffic counts by the names of its pods', ROOT, async t => {
  const lab = await labOf(t, ['hubblelive/caller', 'hubblelive/callee'])
  const contexts = 'sourceContext=workload|reserved-identity;destinationContext=workload|reserved-identity'
  const config = ['flow', 'icmp', 'drop', 'tcp'].map(name => `${name}:${contexts}`).join(' ')
  const running = await watch(t, lab, '--hubble-metrics', config)
  const [caller, callee] = [lab.pod('caller'), lab.pod('callee')]
  const there = { source: 'hubblelive/caller', destination: 'hubblelive/callee' }
  const back = { source: 'hubblelive/callee', destination: 'hubblelive/caller' }
  await ping(caller, callee.ipv4, { count: 3 })
  const page = await until('both directions are counted', async () => {
    const samples = await running.metrics()
    const counted = (type: string, pair: typeof there) => samples.sum('hubble_icmp_total', { type, ...pair }) > 0
    return counted('EchoRequest', there) && counted('EchoReply', back) && samples
  })
  t.equal(page.sum('hubble_icmp_total', { type: 'EchoRequest', ...back }), 0)
  t.equal(page.sum('hubble_icmp_total', { family: 'IPv6', ...there }), 0)
  const types = page.series('hubble_flows_processed_total', there).map(({ labels }) => labels.type)
  t.strictSame([...new Set(types)], ['Trace'])
  t.equal(page.get('hubble_lost_events_total', { source: 'perf_event_ring_buffer' }), 0)
})
