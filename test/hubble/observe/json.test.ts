/**
 * json.test.ts - JSON lines: the field order of flow.proto at every depth, escapes, unknown fields.
 */
import t from 'tap'
import { FIELDS, JsonPrinter } from '../../../src/hubble/observe/print/json-printer.js'

/** Fields in the order in which flow.proto declares them (cilium/cilium api/v1/flow/flow.proto, 1.19). */
const MESSAGES: Readonly<Record<string, string>> = {
  Flow: `time uuid emitter verdict drop_reason auth_type ethernet IP l4 tunnel source destination Type node_name node_labels
    source_names destination_names l7 reply event_type source_service destination_service traffic_direction
    policy_match_type trace_observation_point trace_reason file ip_trace_id drop_reason_desc is_reply debug_capture_point
    interface proxy_port trace_context sock_xlate_point socket_cookie cgroup_id Summary egress_allowed_by
    ingress_allowed_by egress_denied_by ingress_denied_by policy_log aggregate`,
  Emitter: 'name version',
  FileInfo: 'name line',
  Layer4: 'TCP UDP ICMPv4 ICMPv6 SCTP VRRP IGMP',
  Layer7: 'type latency_ns dns http kafka',
  Endpoint: 'ID identity cluster_name namespace labels pod_name workloads',
  Workload: 'name kind',
  TCP: 'source_port destination_port flags',
  SCTP: 'source_port destination_port chunk_type',
  IP: 'source source_xlated destination ipVersion encrypted',
  Ethernet: 'source destination',
  TCPFlags: 'FIN SYN RST PSH ACK URG ECE CWR NS',
  VRRP: 'type vrid priority',
  ICMPv4: 'type code',
  IGMP: 'type group_address',
  Tunnel: 'protocol IP l4 vni',
  Policy: 'name namespace labels revision kind',
  CiliumEventType: 'type sub_type',
  DNS: 'query ips ttl cnames observation_source rcode qtypes rrtypes',
  HTTP: 'code method url protocol headers',
  HTTPHeader: 'key value',
  Kafka: 'error_code api_version api_key correlation_id topic',
  Service: 'name namespace',
  IPTraceID: 'trace_id ip_option_type',
  NetworkInterface: 'index name',
  LostEvent: 'source num_events_lost cpu first last',
  DebugEvent: 'type source hash arg1 arg2 arg3 message cpu',
  Aggregate: 'ingress_flow_count egress_flow_count unknown_direction_flow_count',
  NodeStatusEvent: 'state_change node_names message',
}

t.test('the field list keeps the declared order of every message', async t => {
  t.equal(new Set(FIELDS).size, FIELDS.length, 'no field twice')
  for (const [message, text] of Object.entries(MESSAGES)) {
    const fields = text.split(/\s+/)
    t.strictSame(
      FIELDS.filter(field => fields.includes(field)),
      fields,
      message,
    )
  }
})

t.test('fields in another order are sorted at every depth, and unknown fields come last', async t => {
  const flow = {
    Summary: 'x',
    extensions: { b: 1, a: 2 },
    source: { pod_name: 'p', labels: ['b', 'a'], workloads: [{ kind: 'K', name: 'n' }], ID: 1 },
    verdict: 'DROPPED',
    l4: { TCP: { flags: { ACK: true, SYN: true }, destination_port: 2, source_port: 1 } },
  }
  t.equal(
    new JsonPrinter().print({ time: '2026-01-02T03:04:05Z', flow: flow as never, node_name: 'n' }),
    '{"flow":{"verdict":"DROPPED","l4":{"TCP":{"source_port":1,"destination_port":2,"flags":{"SYN":true,"ACK":true}}},' +
      '"source":{"ID":1,"labels":["b","a"],"pod_name":"p","workloads":[{"name":"n","kind":"K"}]},"Summary":"x",' +
      '"extensions":{"b":1,"a":2}},"node_name":"n","time":"2026-01-02T03:04:05Z"}\n',
  )
})

t.test('characters special to HTML and JavaScript are escaped as in Go', async t => {
  const line = new JsonPrinter().print({ flow: { Summary: '<a & b>\u2028' } })
  t.equal(line, '{"flow":{"Summary":"\\u003ca \\u0026 b\\u003e\\u2028"}}\n')
  t.equal(JSON.parse(line).flow.Summary, '<a & b>\u2028')
})
