/**
 * record-model.test.ts - thousands of generated records yield the flow and the monitor line that Cilium's rules give.
 */
import { deepStrictEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { SERVICE_IDENTITY } from '../../../src/datapath/identity/identity.js'
import type { Flow } from '../../../src/hubble/flow/flow.js'
import { drops } from '../../support/drop-model.js'
import { INVENTORY, maker } from '../../support/flow-records.js'
import { monitorText } from '../../support/monitor-text.js'
import type { GeneratedRecord } from '../../support/record-model.js'
import { traces } from '../../support/trace-model.js'
import { verdicts } from '../../support/verdict-model.js'

const RESERVED: Readonly<Record<number, string[]>> = {
  0: ['reserved:unknown'],
  1: ['reserved:host'],
  2: ['reserved:world'],
  7: ['reserved:kube-apiserver', 'reserved:remote-node'],
  [SERVICE_IDENTITY]: ['weir:service'],
}
const inventory = JSON.parse(INVENTORY)

/** Names by the endpoint's address, else by the longest prefix. A nonzero identity in the record takes precedence. */
function endpointOf(ip: string, recordIdentity: number): Flow['source'] {
  const pod = inventory.endpoints.find((one: { ips: string[] }) => one.ips.includes(ip))
  const local = pod?.local === true
  const identity = recordIdentity || (pod?.identity ?? cidrIdentity(ip))
  const labels: string[] = inventory.identities[local ? pod.identity : identity] ?? RESERVED[identity] ?? []
  const cluster = labels.find(label => label.startsWith('k8s:io.cilium.k8s.policy.cluster='))?.split('=')[1]
  const cidrs: Record<number, string> = { 16777217: 'cidr:93.184.0.0/16', 16777218: 'cidr:2606-2800--/32' }
  const kept = labels.filter(
    label => !(identity >>> 24 === 1 && label.startsWith('cidr:')) || label === cidrs[identity],
  )
  return {
    ...(local ? { ID: pod.id } : {}),
    ...(identity === 0 ? {} : { identity }),
    ...(cluster === undefined ? {} : { cluster_name: cluster }),
    ...(pod === undefined ? {} : { namespace: pod.namespace, pod_name: pod.pod }),
    ...(kept.length === 0 ? {} : { labels: [...kept].sort() }),
    ...(local ? { workloads: [pod.workload] } : {}),
  }
}

function cidrIdentity(ip: string): number {
  if (ip === '') return 0
  if (ip === '10.0.2.9') return 1
  if (ip === '10.96.0.10') return SERVICE_IDENTITY
  if (ip.startsWith('93.184.')) return 16777217
  return ip.startsWith('2606:2800:') ? 16777218 : 2
}

/** The generated flow with its endpoints, names and services. */
function expectedFlow({ flow, identities }: GeneratedRecord): Flow {
  const { IP: { source = '', destination = '' } = {} } = flow
  const sourceNames = inventory.dns[source] === undefined ? {} : { source_names: ['example.com', 'www.example.com'] }
  const names =
    inventory.dns[destination] === undefined ? {} : { destination_names: ['example.com', 'www.example.com'] }
  const ports = flow.l4?.TCP ?? flow.l4?.UDP ?? flow.l4?.SCTP ?? {}
  const service = { name: 'kube-dns', namespace: 'kube-system' }
  const isDns = (ip: string, port: number | undefined) => ip === '10.96.0.10' && port === 53
  return {
    ...flow,
    source: endpointOf(source, identities[0])!,
    destination: endpointOf(destination, identities[1])!,
    ...sourceNames,
    ...names,
    ...(isDns(source, ports.source_port) ? { source_service: service } : {}),
    ...(isDns(destination, ports.destination_port) ? { destination_service: service } : {}),
  }
}

const { feed, flows } = maker()

/** The flow of a record, without time, uuid, emitter and node name. */
function flow(record: Uint8Array): Flow {
  flows.length = 0
  feed(record)
  equal(flows.length, 1)
  const { time: _time, uuid: _uuid, emitter: _emitter, node_name: _node, ...rest } = flows[0]!
  return rest
}

for (const [kind, records] of [
  ['trace of versions 0 to 2', traces],
  ['drop of versions 0 to 3', drops],
  ['policy verdict of both lengths', verdicts],
] as const) {
  t.test(`every ${kind}, with any packet and padded by perf, yields the generated flow`, async t => {
    fc.assert(
      fc.property(records, generated => deepStrictEqual(flow(generated.record), expectedFlow(generated))),
      { numRuns: 700 },
    )
    t.pass()
  })

  t.test(`every ${kind} yields the generated monitor line`, async t => {
    const names = { interfaceName: String }
    fc.assert(
      fc.property(records, generated => equal(monitorText(generated.record, { names }), generated.line)),
      { numRuns: 700 },
    )
    t.pass()
  })
}
