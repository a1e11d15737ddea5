/**
 * record-model.test.ts - thousands of made-up records of every kind, each against the flow that Hubble's rules make of it.
 */
import { deepStrictEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { Flow } from '../../../src/hubble/flow/flow.js'
import { drops } from '../../support/drop-model.js'
import { INVENTORY, maker } from '../../support/flow-records.js'
import { monitorText } from '../../support/monitor-text.js'
import type { Told } from '../../support/record-model.js'
import { traces } from '../../support/trace-model.js'
import { verdicts } from '../../support/verdict-model.js'

const RESERVED: Readonly<Record<number, string[]>> = {
  0: ['reserved:unknown'],
  1: ['reserved:host'],
  2: ['reserved:world'],
  7: ['reserved:kube-apiserver', 'reserved:remote-node'],
}
const inventory = JSON.parse(INVENTORY)

/** Who an address of the world is, by the exact address, else by the prefix; the record's identity wins. */
function endpointOf(ip: string, told: number): Flow['source'] {
  const pod = inventory.endpoints.find((one: { ips: string[] }) => one.ips.includes(ip))
  const local = pod?.local === true
  const identity = told || (pod?.identity ?? cidrIdentity(ip))
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
  if (ip.startsWith('93.184.')) return 16777217
  return ip.startsWith('2606:2800:') ? 16777218 : 2
}

/** Everything of the model, with who was at the ends. */
function whole({ flow, identities }: Told): Flow {
  const { IP: { source = '', destination = '' } = {} } = flow
  const sourceNames = inventory.dns[source] === undefined ? {} : { source_names: ['example.com', 'www.example.com'] }
  const names =
    inventory.dns[destination] === undefined ? {} : { destination_names: ['example.com', 'www.example.com'] }
  const ends = flow.l4?.TCP ?? flow.l4?.UDP ?? flow.l4?.SCTP ?? {}
  const service = { name: 'kube-dns', namespace: 'kube-system' }
  const isDns = (ip: string, port: number | undefined) => ip === '10.96.0.10' && port === 53
  return {
    ...flow,
    source: endpointOf(source, identities[0])!,
    destination: endpointOf(destination, identities[1])!,
    ...sourceNames,
    ...names,
    ...(isDns(source, ends.source_port) ? { source_service: service } : {}),
    ...(isDns(destination, ends.destination_port) ? { destination_service: service } : {}),
  }
}

const { feed, flows } = maker()

/** The one flow of a record, without what differs from run to run. */
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
  t.test(`every ${kind} is the flow that went in, whatever the packet, padded as perf pads`, async t => {
    fc.assert(
      fc.property(records, told => deepStrictEqual(flow(told.record), whole(told))),
      { numRuns: 700 },
    )
    t.pass()
  })

  t.test(`every ${kind} is the line of the monitor that went in`, async t => {
    const names = { interfaceName: String }
    fc.assert(
      fc.property(records, told => equal(monitorText(told.record, { names }), told.line)),
      { numRuns: 700 },
    )
    t.pass()
  })
}
