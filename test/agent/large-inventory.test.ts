/**
 * large-inventory.test.ts - a large inventory file is reloaded without a long pause of the main thread, and to the same names.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import t, { type Test } from 'tap'
import { createExporter } from '../../src/agent/exporter.js'
import { createLog } from '../../src/agent/log.js'
import { NameUpdates } from '../../src/agent/names/name-updates.js'
import { metricsOptions } from '../../src/agent/options/config-options.js'
import { Reloads } from '../../src/agent/reload/reloads.js'
import { Sighup } from '../../src/agent/reload/sighup.js'
import { SeriesExpiry } from '../../src/agent/series-expiry.js'
import { defaults } from '../../src/config/load.js'
import { parseInventory } from '../../src/datapath/inventory/inventory.js'
import { inventoryChanges } from '../../src/datapath/inventory/inventory-changes.js'
import { parseAddress } from '../../src/lib/address.js'
import { until } from '../support/until.js'

const ENDPOINTS = 40_000
const NS_PER_MS = 1e6
const DEADLINE_MS = 120_000
const ipOf = (i: number): string => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`

/** Every tenth pod has this suffix. */
function textOf(suffix: string, endpoints = ENDPOINTS): string {
  return JSON.stringify({
    identities: { 4000000000: ['k8s:app=web'] },
    endpoints: Array.from({ length: endpoints }, (_, i) => ({
      ips: [ipOf(i)],
      identity: 4_000_000_000,
      namespace: `ns-${i % 50}`,
      pod: `pod-${i}${i % 10 === 0 ? suffix : ''}`,
      workload: { kind: 'Deployment', name: `w-${i % 2000}` },
    })),
    dns: { '10.0.0.1': [`name${suffix}.example`] },
  })
}

/** A running exporter's reloads of an inventory file. */
function reloading(t: Test, text: string) {
  const path = join(t.testdir({}), 'inventory.json')
  writeFileSync(path, text)
  const exporter = createExporter(parseInventory(text, path), false, {})
  const config = { ...defaults(), inventory: path }
  const loaded = { config, origins: new Map(), warnings: [] }
  const configuration = { loaded, reload: () => loaded, sighup: new Sighup() }
  const targets = {
    exporter,
    names: new NameUpdates(exporter),
    series: new SeriesExpiry(exporter, metricsOptions(config)),
    log: createLog('error', 'logfmt'),
    inventoryFile: { path, text },
    hubbleFile: undefined,
  }
  const reloads = new Reloads(configuration, targets, async change => change())
  t.teardown(() => {
    reloads.stop()
    targets.series.stop()
    process.removeAllListeners('SIGHUP')
  })
  const nameAt = (ip: string) => exporter.entities.pod(exporter.entities.resolve(parseAddress(ip), 0, true, 0))
  return { reloads, exporter, nameAt, write: (next: string) => writeFileSync(path, next) }
}

t.test('40,000 endpoints are reloaded in slices: the longest pause is a part of the work', async t => {
  const { reloads, nameAt, write, exporter } = reloading(t, textOf('-a'))
  const [before, after] = [textOf('-a'), textOf('-b')]
  const startMs = performance.now()
  inventoryChanges(parseInventory(before, 'before'), parseInventory(after, 'after'))
  const workMs = performance.now() - startMs
  write(after)
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  t.equal(await reloads.reloadConfig(), undefined)
  delay.disable()
  t.equal(nameAt(ipOf(10)), 'pod-10-b')
  t.equal(nameAt(ipOf(11)), 'pod-11')
  const { entities } = exporter
  t.equal(entities.identity(entities.resolve(parseAddress(ipOf(11)), 0, true, 0)), 4_000_000_000)
  t.strictSame(exporter.resolver.names('10.0.0.1'), ['name-b.example'])
  t.ok(delay.max / NS_PER_MS < workMs / 3, `${(delay.max / NS_PER_MS).toFixed(0)} ms of ${workMs.toFixed(0)} ms`)
})

t.test(
  'a large file follows a small one and a small one a large one, each compared with what is in effect',
  async t => {
    const { reloads, nameAt, write } = reloading(t, textOf('-a', 10))
    reloads.start()
    for (const [suffix, endpoints] of [
      ['-b', ENDPOINTS],
      ['-c', 20],
      ['-d', ENDPOINTS],
    ] as const) {
      write(textOf(suffix, endpoints))
      await until(
        `pods with ${suffix}`,
        () => nameAt(ipOf(10)) === (endpoints > 10 ? `pod-10${suffix}` : ''),
        DEADLINE_MS,
      )
      await until('all of them', () => (nameAt(ipOf(ENDPOINTS - 1)) !== '') === (endpoints === ENDPOINTS), DEADLINE_MS)
    }
  },
)

t.test('a large file with a mistake is refused with its place, and the names stay', async t => {
  const { reloads, nameAt, write } = reloading(t, textOf('-a'))
  write(textOf('-b').replace('"10.0.0.1"', '"10.0.0.300"'))
  t.match(await reloads.reloadConfig(), /inventory.json.*"10.0.0.300"; allowed: an IPv4 address/)
  t.equal(nameAt(ipOf(10)), 'pod-10-a')
  write(textOf('-c'))
  t.equal(await reloads.reloadConfig(), undefined)
  t.equal(nameAt(ipOf(10)), 'pod-10-c')
})
