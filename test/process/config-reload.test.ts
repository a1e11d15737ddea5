/**
 * config-reload.test.ts - a running Weir reloads its configuration: all of it, or nothing with the reason.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { until } from '../support/until.js'
import { startWeir, type WeirProcess } from '../support/weir-process.js'

const RECORDS = 'examples/records.pcap'
const WORLD = 'examples/inventory.json'
const FLOWS = 'weir_flow_packets_total'

interface Configured {
  readonly weir: WeirProcess
  /** Write the file again. */
  write(text: string): void
  reload(method?: string): Promise<{ status: number; text: string }>
}

async function configured(t: Test, first: string, ...more: readonly string[]): Promise<Configured> {
  const path = join(t.testdirName, 'weir.yaml')
  mkdirSync(t.testdirName, { recursive: true })
  writeFileSync(path, first)
  const weir = await startWeir(['--config.file', path, '--source', `replay:${RECORDS}`, ...more])
  t.teardown(() => weir.stop('SIGKILL'))
  return {
    weir,
    write: text => writeFileSync(path, text),
    async reload(method = 'POST') {
      const response = await fetch(`${weir.url}/-/reload`, { method })
      return { status: response.status, text: await response.text() }
    },
  }
}

t.test('a reload takes effect at once, loses no count, and shows in metrics', async t => {
  const { weir, write, reload } = await configured(
    t,
    'hubble-metrics: drop\nlog: {level: warn}\n',
    '--inventory',
    WORLD,
    '--web.enable-lifecycle',
    '--log.level=info',
  )
  const before = await weir.metrics()
  t.equal(before.get('weir_config_last_reload_successful'), 1)
  t.strictSame(
    ['applied', 'refused'].map(result => before.get('weir_config_reloads_total', { result })),
    [0, 0],
  )
  t.ok(before.sum('hubble_drop_total') > 0)
  write('hubble-metrics: drop tcp\n')
  t.strictSame(await reload(), { status: 200, text: '' })
  const after = await weir.metrics()
  t.strictSame(after.series(FLOWS), before.series(FLOWS))
  t.strictSame(after.series('hubble_drop_total'), before.series('hubble_drop_total'))
  t.equal(after.get('weir_config_reloads_total', { result: 'applied' }), 1)
  const stamp = 'weir_config_last_reload_success_timestamp_seconds'
  t.ok(after.get(stamp)! > before.get(stamp)!, 'the later time')
  t.match(weir.stderr(), /msg="configuration reloaded" changed="?\[\\?"hubble-metrics/)
  t.strictSame(await reload('PUT'), { status: 200, text: '' })
})

t.test('what cannot change is refused by name, with all else that is wrong, and nothing changes', async t => {
  const { weir, write, reload } = await configured(t, 'log: {level: debug}\n', '--web.enable-lifecycle')
  write('log: {level: error}\nreport-interval: 7s\nweb:\n  telemetry-path: /other\nhubble-metrics: drop\n')
  const { status, text } = await reload()
  t.equal(status, 500)
  t.match(text, /^failed to reload config: /)
  t.match(text, /weir\.yaml:2: report-interval: cannot change from '5s' to '7s' while Weir runs; restart to apply/)
  t.match(text, /weir\.yaml:4: web\.telemetry-path: cannot change from '\/metrics' to '\/other' while Weir runs/)
  t.match(text, /hubble-metrics: cannot be enabled or disabled while Weir runs/)
  t.notMatch(text, /log\.level/)
  write('log: {level: loud}\nattach: glue\n')
  const broken = (await reload()).text
  t.match(broken, /weir\.yaml:1: log\.level: invalid value 'loud'; allowed: debug/)
  t.match(broken, /weir\.yaml:2: attach: invalid value 'glue'/)
  const page = await weir.metrics()
  t.equal(page.get('weir_config_last_reload_successful'), 0)
  t.equal(page.get('weir_config_reloads_total', { result: 'refused' }), 2)
  write('log: {level: debug}\n')
  t.equal((await reload()).status, 200)
  t.match(weir.stderr(), /level=info msg="configuration reloaded"/, 'the level stayed what it was')
  t.equal((await weir.metrics()).get('weir_config_last_reload_successful'), 1)
})

t.test('SIGHUP reloads too, and refuses without ending Weir', async t => {
  const { weir, write } = await configured(t, 'log: {level: info}\n')
  write('log: {level: warn}\n')
  weir.process.kill('SIGHUP')
  await until(
    'it is applied',
    async () => (await weir.metrics()).get('weir_config_reloads_total', { result: 'applied' }) === 1,
  )
  write('conections: 5\n')
  weir.process.kill('SIGHUP')
  await until(
    'it is refused',
    async () => (await weir.metrics()).get('weir_config_reloads_total', { result: 'refused' }) === 1,
  )
  t.match(weir.stderr(), /level=error .*conections: unknown setting; did you mean connections\?/)
  t.strictSame(await weir.stop(), { code: 0, signal: null })
})

t.test('an inventory file that is wrong refuses the reload, and one that is right is in force after it', async t => {
  const inventory = join(t.testdir({}), 'inventory.yaml')
  writeFileSync(inventory, 'cidrs: {10.0.0.0/8: 2}\n')
  const { weir, write, reload } = await configured(t, '', '--inventory', inventory, '--web.enable-lifecycle')
  writeFileSync(inventory, 'cidrs: {10.0.0.0/33: 2}\n')
  write('log: {level: error}\n')
  const { status, text } = await reload()
  t.equal(status, 500)
  t.match(text, /inventory: .*inventory\.yaml:1: .*10\.0\.0\.0\/33/)
  t.equal((await reload()).status, 500, 'as long as it is wrong')
  writeFileSync(inventory, 'cidrs: {10.0.0.0/9: 2}\n')
  t.equal((await reload()).status, 200)
  const page = await weir.metrics()
  t.equal(page.get('weir_inventory_last_reload_successful'), 1)
  const age = Date.now() / 1000 - page.get('weir_inventory_last_reload_success_timestamp_seconds')!
  t.ok(age >= 0 && age < 60, `the last success is ${age} s ago`)
  t.equal(page.get('weir_inventory_reloads_total', { result: 'refused' }), 1, 'counted once')
})

t.test('without the switch there is no reload by HTTP, and other methods are always refused', async t => {
  const closed = await configured(t, '')
  t.strictSame(await closed.reload(), { status: 403, text: 'Lifecycle API is not enabled.\n' })
  t.equal((await closed.reload('PUT')).status, 403)
  const got = await fetch(`${closed.weir.url}/-/reload`)
  t.strictSame([got.status, got.headers.get('allow')], [405, 'POST, PUT'])
  t.equal((await closed.weir.metrics()).get('weir_config_reloads_total', { result: 'refused' }), 0)
})
