/**
 * grammar.test.ts - the static list: what Hubble accepts is accepted, and errors name the word and what is allowed.
 */
import t from 'tap'
import { compileMetrics } from '../../../src/hubble/metrics/compile.js'
import { ConfigError } from '../../../src/hubble/metrics/config.js'
import { parseStatic } from '../../../src/hubble/metrics/grammar.js'

const labelsOf = (text: string) =>
  Object.fromEntries(compileMetrics(parseStatic(text)).map(({ metric }) => [metric.name, metric.labels.join(',')]))

const GOOD: readonly [config: string, families: Record<string, string>][] = [
  ['drop', { hubble_drop_total: 'reason,protocol' }],
  ['  drop\ttcp\n', { hubble_drop_total: 'reason,protocol', hubble_tcp_flags_total: 'flag,family' }],
  ['flow', { hubble_flows_processed_total: 'protocol,type,subtype,verdict' }],
  ['icmp', { hubble_icmp_total: 'family,type' }],
  ['port-distribution', { hubble_port_distribution_total: 'protocol,port' }],
  ['policy', { hubble_policy_verdicts_total: 'direction,match,action' }],
  ['sctp', { hubble_sctp_chunk_types_total: 'chunk_type,family' }],
  ['flows-to-world', { hubble_flows_to_world_total: 'protocol,verdict' }],
  ['flows-to-world:port;any-drop;syn-only', { hubble_flows_to_world_total: 'protocol,verdict,port' }],
  ['flows-to-world:PORT=true', { hubble_flows_to_world_total: 'protocol,verdict,port' }],
  ['dns:query;ignoreAAAA', {}],
  ['http', {}],
  ['httpV2:exemplars=true;labelsContext=source_ip', {}],
  ['drop:', { hubble_drop_total: 'reason,protocol' }],
  ['drop:;sourceContext=pod;', { hubble_drop_total: 'source,reason,protocol' }],
  ['tcp:destinationContext=pod;sourceContext=ip', { hubble_tcp_flags_total: 'flag,family,source,destination' }],
  ['tcp:SOURCECONTEXT=Pod|DNS', { hubble_tcp_flags_total: 'flag,family,source' }],
  ['tcp:sourceEgressContext=pod', { hubble_tcp_flags_total: 'flag,family,source' }],
  ['tcp:destinationIngressContext=pod', { hubble_tcp_flags_total: 'flag,family,destination' }],
  [
    'drop:labelsContext=traffic_direction,destination_app,source_ip;sourceContext=app',
    { hubble_drop_total: 'source_ip,destination_app,traffic_direction,source,reason,protocol' },
  ],
  ['icmp:labelsContext=source_pod|source_ip', { hubble_icmp_total: 'family,type,source_ip,source_pod' }],
]

t.test("a list gives Hubble's families, with labels in Hubble's order", async t => {
  for (const [config, families] of GOOD) t.strictSame(labelsOf(config), families, config)
})

const BAD: readonly [config: string, ...words: string[]][] = [
  ['', 'no metric given', 'drop tcp flow'],
  ['dorp', 'unknown metric "dorp"', 'allowed: dns, drop, flow, flows-to-world, http, httpV2, icmp'],
  ['drop Tcp', 'unknown metric "Tcp"', 'port-distribution, sctp, tcp'],
  ['constructor', 'unknown metric "constructor"'],
  ['drop tcp drop', 'metric drop is given twice'],
  ['http httpV2', 'http and httpV2 are mutually exclusive'],
  ['drop:sourceContex=pod', 'drop: unknown option "sourceContex"', 'allowed: sourceContext, sourceEgressContext'],
  ['drop:port', 'drop: unknown option "port"', 'labelsContext'],
  ['flows-to-world:prot', 'unknown option "prot"', 'any-drop, port, syn-only'],
  ['flows-to-world:any-drop=yes', 'flows-to-world: any-drop: unknown value "yes"', 'allowed: any-drop, any-drop=true'],
  ['drop:sourceContext=pods', 'drop: sourceContext: unknown context "pods"', 'allowed: identity, namespace, pod,'],
  ['drop:sourceContext=pod|worklod', 'unknown context "worklod"', 'workload, workload-name, app'],
  ['drop:sourceContext=pod-short', 'unknown context "pod-short"'],
  ['drop:sourceContext', 'drop: sourceContext: unknown context ""'],
  ['drop:sourceContext=', 'drop: sourceContext: unknown context ""'],
  ['drop:sourceContext=pod;SourceContext=ip', 'drop: sourceContext is given twice'],
  ['tcp:destinationEgressContext=nope', 'tcp: destinationEgressContext: unknown context "nope"'],
  [
    'flow:labelsContext=source_node',
    'flow: labelsContext: unknown label "source_node"',
    'allowed: source_ip, source_pod',
  ],
  ['flow:labelsContext=source_ip, source_pod', 'unknown metric "source_pod"'],
  ['flow:labelsContext=source_ip,', 'unknown label ""'],
  ['flow:labelsContext', 'flow: labelsContext: unknown label ""', 'destination_app, traffic_direction'],
  ['dns:labelsContext=x', 'dns: labelsContext: unknown label "x"'],
  ['drop:=pod', 'drop: "=pod" has no option name before "="'],
]

const refusal = (config: string) => {
  try {
    compileMetrics(parseStatic(config))
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return 'accepted'
}

t.test('an unknown word is refused with the word and what is allowed', async t => {
  for (const [config, ...words] of BAD) {
    const message = refusal(config)
    for (const word of words) t.ok(message.includes(word), `${word} in: ${message}`)
  }
})
