/**
 * kubernetes-stop.test.ts - a signal ends Weir also while the API server keeps it waiting.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startedApi } from '../support/named-cluster.js'
import { until } from '../support/until.js'
import { startWeir } from '../support/weir-process.js'

const RECORDING = new URL('../../examples/records.pcap', import.meta.url).pathname

t.test('SIGTERM during the first sync ends the process with 0', async t => {
  const api = await startedApi(t)
  api.faults.plan('/', 'any', { kind: 'hang' })
  const kubeconfig = join(t.testdir({}), 'kubeconfig')
  writeFileSync(kubeconfig, api.kubeconfig())
  const kubernetes = ['--kubernetes', '--kubernetes.kubeconfig', kubeconfig, '--no-kubernetes.require-sync']
  const weir = await startWeir(['--source', `replay:${RECORDING}`, ...kubernetes])
  t.teardown(() => weir.stop('SIGKILL'))
  await until('the watch is there', async () => (await weir.metrics()).series('weir_kubernetes_watch_up').length > 0)
  t.strictSame(await weir.stop('SIGTERM'), { code: 0, signal: null })
})
