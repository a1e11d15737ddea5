/**
 * kubernetes-moves.test.ts - pods that come, move, go and come again on used addresses, over both families of addresses:
 * nothing is counted for the wrong one, and the books are right throughout. And Cilium's own identities, live.
 */
import t, { type Test } from 'tap'
import { defaultInventory } from '../../src/datapath/inventory/inventory.js'
import type { LabPod } from '../../src/lab/kubernetes/lab-cluster.js'
import type { Lab } from '../../src/lab/lab.js'
import type { Pod } from '../../src/lab/pod.js'
import { ping } from '../../src/lab/traffic.js'
import { GaugedLab, needsRoot } from '../support/gauged-lab.js'
import { clusterOf, named, watchCluster } from '../support/lab-names.js'
import { addsUp, agreesWithAllLinks } from '../support/ledger.js'
import type { Samples } from '../support/samples.js'
import { until } from '../support/until.js'
import { labOf, podSpec } from '../support/watched-lab.js'

const NETWORK = 90
const PODS = ['moves/asks', 'moves/one', 'moves/two'].map(podSpec)
const CILIUM = '/apis/cilium.io/v2'

/** A gauge of a lab with names from its API server. */
async function gaugeOf(t: Test, lab: Lab) {
  const cluster = await clusterOf(t, lab, ['asks'])
  const weir = await named(t, lab, defaultInventory())
  await watchCluster(t, weir, cluster)
  const metrics = async () => weir.samples()
  return { cluster, exporter: weir.exporter, metrics, stop: () => undefined }
}

/** A pod of this name on a place of the lab. */
function at({ ipv4, ipv6, spec }: Pod, name: string): LabPod {
  return { ipv4, ipv6, spec: { ...spec, name, workload: name } }
}

/** Echo requests that left the one who asks, of both families. */
function requests(page: Samples, to: string): number {
  const labels = { reporter: 'source', source_workload: 'asks', destination_workload: to, type: 'EchoRequest' }
  return page.sum('weir_icmp_messages_total', labels)
}

t.test('pods that move and are made again have their own packets, and the books are right', needsRoot, async t => {
  const gauged = await GaugedLab.with(t, PODS, { network: NETWORK }, lab => gaugeOf(t, lab))
  const { lab, weir } = gauged
  const { cluster, exporter } = weir
  const [asks, one, two] = [lab.pod('asks'), lab.pod('one'), lab.pod('two')]
  const row = ({ ipv6 }: Pod) => exporter.entities.addresses.host(ipv6)
  const isAt = (place: Pod, name: string) =>
    until(`${name} is at ${place.name}`, () => exporter.entities.pod(row(place)) === name && row(place) > 0)
  const send = async (place: Pod, count: number) => {
    for (const ip of [place.ipv4, place.ipv6]) await ping(asks, ip, { count })
  }
  cluster.put(at(one, 'mover'))
  await isAt(one, 'mover')
  await send(one, 2)
  cluster.put(at(two, 'mover'))
  await isAt(two, 'mover')
  await until('it left', () => row(one) === 0)
  cluster.put(at(one, 'taker'))
  await isAt(one, 'taker')
  await send(one, 3)
  await send(two, 1)
  const before = row(two)
  cluster.remove(at(two, 'mover'))
  cluster.put(at(two, 'mover'))
  await until('it is another', () => row(two) !== before && exporter.entities.pod(row(two)) === 'mover')
  await send(two, 2)
  const reading = await gauged.read()
  t.strictSame([requests(reading.samples, 'mover'), requests(reading.samples, 'taker')], [2 * 5, 2 * 3])
  addsUp(t, reading.samples)
  agreesWithAllLinks(t, reading)
})

t.test('while pods change places under traffic every packet is counted once', needsRoot, async t => {
  const gauged = await GaugedLab.with(t, PODS, { network: NETWORK }, lab => gaugeOf(t, lab))
  const { lab, weir } = gauged
  const { cluster, exporter } = weir
  const [asks, one, two] = [lab.pod('asks'), lab.pod('one'), lab.pod('two')]
  const traffic = Promise.all(
    [one, two].flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6].map(ip => ping(asks, ip, { count: 200 }))),
  )
  let over = false
  void traffic.finally(() => {
    over = true
  })
  for (let round = 0; !over || round < 4; round++) {
    const [first, second] = round % 2 === 0 ? [one, two] : [two, one]
    cluster.put(at(first, 'left'))
    cluster.put(at(second, 'right'))
    const pod = () => exporter.entities.pod(exporter.entities.addresses.host(first.ipv4))
    await until('left is named', () => pod() === 'left')
    // A sweep while both are there; a page in the midst of traffic has no sum of its own.
    await weir.metrics()
    cluster.remove(at(first, 'left'))
    await until('left is gone', () => pod() !== 'left')
  }
  const sent = (await traffic).reduce((sum, result) => sum + result.sent, 0)
  const reading = await gauged.read()
  addsUp(t, reading.samples)
  agreesWithAllLinks(t, reading)
  const { samples } = reading
  const asked = { reporter: 'source', source_workload: 'asks', type: 'EchoRequest' }
  t.equal(samples.sum('weir_icmp_messages_total', asked), sent, 'whoever was named, each request once')
  for (const name of ['left', 'right']) t.ok(requests(samples, name) > 0, name)
  t.equal(requests(samples, 'asks'), 0)
})

t.test("with Cilium's kinds its numbers and labels are those of live records", needsRoot, async t => {
  const lab = await labOf(t, ['shop/web', 'data/database'])
  const cluster = await clusterOf(t, lab)
  const { store } = cluster.api
  const numbers = { web: 4711, database: 4712 } as const
  for (const [name, identity] of Object.entries(numbers)) {
    const [pod] = store.list('/api/v1/pods').filter(({ metadata }) => metadata.name === name)
    const namespace = pod?.metadata.namespace ?? ''
    const labels = { 'k8s:app': name, 'k8s:io.kubernetes.pod.namespace': namespace, 'k8s:by': 'cilium' }
    store.put(`${CILIUM}/ciliumidentities`, {
      apiVersion: 'cilium.io/v2',
      kind: 'CiliumIdentity',
      metadata: { name: String(identity) },
      'security-labels': labels,
    })
    store.put(`${CILIUM}/ciliumendpoints`, {
      apiVersion: 'cilium.io/v2',
      kind: 'CiliumEndpoint',
      metadata: { name, namespace, ownerReferences: [{ kind: 'Pod', name, uid: pod?.metadata.uid ?? '' }] },
      status: {
        id: identity - 4000,
        identity: { id: identity, labels: Object.entries(labels).map(pair => pair.join('=')) },
      },
    })
  }
  const weir = await named(t, lab, defaultInventory(), 'icmp:sourceContext=identity;destinationContext=identity')
  await watchCluster(t, weir, cluster)
  const stamped: (readonly [number, number])[] = []
  const { trace } = weir.exporter.reducer
  weir.exporter.reducer.trace = function (record) {
    if (record.hasExtension) stamped.push([record.srcLabel, record.dstLabel])
    trace.call(this, record)
  }
  const [web, database] = [lab.pod('web'), lab.pod('database')]
  await ping(web, database.ipv4, { count: 2 })
  const page = weir.samples()
  t.ok(stamped.some(([source, destination]) => source === numbers.web && destination === numbers.database))
  const identity = (name: string, namespace: string) =>
    `k8s:app=${name},k8s:by=cilium,k8s:io.kubernetes.pod.namespace=${namespace}`
  t.ok(
    page.sum('hubble_icmp_total', { source: identity('web', 'shop'), destination: identity('database', 'data') }) > 0,
  )
  t.match(weir.exporter.resolver.localEndpoint(web.ipv4), { id: numbers.web - 4000, identity: numbers.web })
})
