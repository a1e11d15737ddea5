/**
 * kubernetes-log.test.ts - what the log and the readiness page say of an API server that fails from the start, and of odd objects.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { PODS, pod, SLICES, startedApi } from '../support/named-cluster.js'
import { until } from '../support/until.js'
import { startWeir } from '../support/weir-process.js'

const RECORDING = new URL('../../examples/records.pcap', import.meta.url).pathname
const LOGGED_MS = 30_000

t.test('a first failure does not claim that names are kept, hides the token, and an odd object is named', async t => {
  const api = await startedApi(t)
  api.token = 'lab-token-of-weir'
  const message = 'no access for Bearer lab-token-of-weir'
  api.faults.plan('/api/v1/services', 'any', { kind: 'status', status: 403, message })
  api.faults.plan(SLICES, 'any', { kind: 'status', status: 404 })
  api.store.put(PODS, pod('a/b', { ips: ['10.0.0.1'] }))
  api.store.put(PODS, { ...pod('a/odd', { ips: ['10.0.0.2'] }), spec: { nodeName: 7 } })
  const kubeconfig = join(t.testdir({}), 'kubeconfig')
  writeFileSync(kubeconfig, api.kubeconfig())
  const kubernetes = ['--kubernetes', '--kubernetes.kubeconfig', kubeconfig, '--no-kubernetes.require-sync']
  const weir = await startWeir(['--source', `replay:${RECORDING}`, ...kubernetes])
  t.teardown(() => weir.stop('SIGKILL'))
  const logged = () => /resource=services/.test(weir.stderr()) && /object skipped/.test(weir.stderr())
  await until('the failures are logged', logged, LOGGED_MS)
  t.match(
    weir.stderr(),
    /msg="Kubernetes watch failed, no names from it yet" resource=services err="403: no access for \*\*\*"/,
  )
  t.match(
    weir.stderr(),
    /resource=endpointslices err="404: .*; needs Kubernetes 1\.21; without it, pods have no service/,
  )
  t.match(
    weir.stderr(),
    /msg="Kubernetes object skipped" resource=pods object="\\"odd\\": node: unexpected number" skipped=1/,
  )
  t.notMatch(weir.stderr(), /keeping last known names|lab-token/)
  const landing = await (await fetch(weir.url)).text()
  t.match(landing, /watch failing: services, endpointslices; objects skipped: 1/)
  const page = await weir.metrics()
  t.equal(page.sum('weir_kubernetes_objects_skipped_total', { resource: 'pods' }), 1)
  t.equal(page.sum('weir_kubernetes_objects', { resource: 'pods' }), 1)
})
