/**
 * filter.test.ts - what each filter matches, with Hubble's semantics.
 */
import t from 'tap'
import type { Flow } from '../../../src/hubble/flow/flow.js'
import { compileFilter, compileFilters } from '../../../src/hubble/observe/filter/filter.js'
import type { FlowFilter } from '../../../src/hubble/observe/filter/flow-filter.js'

const FLOW: Flow = {
  time: '2026-01-02T03:04:05Z',
  uuid: 'u-1',
  verdict: 'DROPPED',
  drop_reason: 133,
  drop_reason_desc: 'POLICY_DENIED',
  IP: { source: '10.0.0.1', source_xlated: '10.9.0.1', destination: '93.184.216.34', ipVersion: 'IPv4' },
  l4: { TCP: { source_port: 40_000, destination_port: 443, flags: { SYN: true, ACK: true } } },
  source: {
    ID: 7,
    identity: 1001,
    cluster_name: 'east',
    namespace: 'shop',
    labels: ['k8s:app=web', 'k8s:io.kubernetes.pod.namespace=shop', 'k8s:empty='],
    pod_name: 'web-0',
    workloads: [{ name: 'web', kind: 'StatefulSet' }],
  },
  destination: { identity: 2, labels: ['reserved:world', 'cidr:93.184.0.0/16'] },
  Type: 'L3_L4',
  node_name: 'node-1',
  node_labels: ['zone=a'],
  destination_names: ['www.example.com'],
  event_type: { type: 1, sub_type: 133 },
  destination_service: { name: 'dns', namespace: 'kube-system' },
  traffic_direction: 'EGRESS',
  ip_trace_id: { trace_id: '77' },
  interface: { index: 3, name: 'eth0' },
  trace_context: { parent: { trace_id: 't-1' } },
  Summary: 'TCP Flags: SYN, ACK',
}

/** Pairs: a filter that matches FLOW, and one that does not. */
const CASES: [FlowFilter, FlowFilter][] = [
  [{ uuid: ['u-0', 'u-1'] }, { uuid: ['u-2'] }],
  [{ source_ip: ['10.0.0.1'] }, { source_ip: ['10.0.0.2', '93.184.216.34'] }],
  [{ source_ip: ['10.0.0.0/8'] }, { source_ip: ['::/0'] }],
  [{ source_ip: ['10.0.0.0/31'] }, { source_ip: ['10.0.0.2/31'] }],
  [{ source_ip_xlated: ['10.9.0.0/16'] }, { source_ip_xlated: ['10.0.0.1'] }],
  [{ destination_ip: ['93.184.0.0/16'] }, { destination_ip: ['93.185.0.0/16'] }],
  [{ source_pod: ['shop/web-'] }, { source_pod: ['web-0', 'shop/eb-0', 'other/web-0'] }],
  [{ source_pod: ['shop/'] }, { destination_pod: ['/'] }],
  [{ source_pod: ['/'] }, { destination_pod: ['shop/'] }],
  [{ destination_service: ['kube-system/d'] }, { destination_service: ['dns'] }],
  [{ destination_service: ['kube-system/'] }, { source_service: ['kube-system/'] }],
  [{ source_workload: [{ name: 'web' }] }, { source_workload: [{ name: 'we' }] }],
  [
    { source_workload: [{ kind: 'StatefulSet', name: '' }] },
    { source_workload: [{ kind: 'Deployment', name: 'web' }] },
  ],
  [{ source_identity: [5, 1001] }, { source_identity: [2] }],
  [{ destination_identity: [2] }, { destination_identity: [0] }],
  [{ source_cluster_name: ['east'] }, { source_cluster_name: ['west'] }],
  [{ destination_fqdn: ['*.example.com'] }, { destination_fqdn: ['example.com'] }],
  [{ destination_fqdn: ['WWW.Example.com.'] }, { source_fqdn: ['*'] }],
  [{ destination_fqdn: ['www.*'] }, { destination_fqdn: ['www'] }],
  [{ source_label: ['k8s:app=web'] }, { source_label: ['app=db'] }],
  [{ source_label: ['app'] }, { source_label: ['!app'] }],
  [{ source_label: ['!other'] }, { source_label: ['other'] }],
  [{ source_label: ['app in (db, web)'] }, { source_label: ['app notin (db, web)'] }],
  [{ source_label: ['app notin (db)', 'x'] }, { source_label: ['app in (db)'] }],
  [{ source_label: ['other notin (db)'] }, { source_label: ['other in (db)'] }],
  [{ source_label: ['app!=db'] }, { source_label: ['app != web'] }],
  [{ source_label: ['app == web,io.kubernetes.pod.namespace=shop'] }, { source_label: ['app=web,k8s:x'] }],
  [{ source_label: ['empty='] }, { source_label: ['other='] }],
  [{ destination_label: ['reserved:world'] }, { destination_label: ['k8s:world'] }],
  [{ destination_label: ['any:world'] }, { destination_label: ['any:earth'] }],
  [{ node_labels: ['zone=a'] }, { node_labels: ['zone=b'] }],
  [{ traffic_direction: ['INGRESS', 'EGRESS'] }, { traffic_direction: ['INGRESS'] }],
  [{ verdict: ['DROPPED'] }, { verdict: ['FORWARDED', 'VERDICT_UNKNOWN'] }],
  [{ drop_reason_desc: ['POLICY_DENIED'] }, { drop_reason_desc: ['POLICY_DENY'] }],
  [{ interface: [{ name: 'eth0' }] }, { interface: [{ name: 'eth1' }] }],
  [{ interface: [{ index: 3 }] }, { interface: [{ index: 4, name: 'eth0' }] }],
  [{ event_type: [{ type: 4 }, { type: 1 }] }, { event_type: [{ type: 4 }] }],
  [
    { event_type: [{ type: 1, match_sub_type: true, sub_type: 133 }] },
    { event_type: [{ type: 1, match_sub_type: true }] },
  ],
  [{ event_type: [{ match_sub_type: true, sub_type: 133 }] }, { event_type: [{ type: 129 }] }],
  [{ protocol: ['TCP'] }, { protocol: ['udp', 'icmp', 'icmpv4', 'icmpv6', 'sctp', 'igmp', 'vrrp'] }],
  [{ source_port: ['1', '40000'] }, { source_port: ['443'] }],
  [{ destination_port: ['443'] }, { destination_port: ['80'] }],
  [{ tcp_flags: [{ SYN: true }] }, { tcp_flags: [{ FIN: true }] }],
  [{ tcp_flags: [{ RST: true }, { SYN: true, ACK: true }] }, { tcp_flags: [{ SYN: true, FIN: true }] }],
  [{ node_name: ['node-*'] }, { node_name: ['node'] }],
  [{ node_name: ['default/node-1'] }, { node_name: ['other/node-1'] }],
  [{ node_name: ['default/'] }, { node_name: ['east/'] }],
  [{ ip_version: ['IPv4'] }, { ip_version: ['IPv6', 'IP_NOT_USED'] }],
  [{ trace_id: ['t-1'] }, { trace_id: ['t-2'] }],
  [{ ip_trace_id: ['77'] }, { ip_trace_id: ['78'] }],
  [{ encrypted: [false] }, { encrypted: [true] }],
  [{ source_port: [] }, { reply: [true, false] }],
  [{}, { http_method: ['get'] }],
]

for (const [yes, no] of CASES) {
  t.test(`the flow matches ${JSON.stringify(yes)}, not ${JSON.stringify(no)}`, async t => {
    t.equal(compileFilter(yes)(FLOW), true)
    t.equal(compileFilter(no)(FLOW), false)
  })
}

t.test('a filter for a zero value matches a flow that omits the field', async t => {
  const empty: Flow = { l4: { UDP: {} } }
  for (const filter of [
    { verdict: ['VERDICT_UNKNOWN'] },
    { verdict: [0] },
    { traffic_direction: ['TRAFFIC_DIRECTION_UNKNOWN'] },
    { ip_version: ['IP_NOT_USED'] },
    { source_identity: [0] },
    { source_port: ['0'] },
    { encrypted: [false] },
  ] as FlowFilter[]) {
    t.equal(compileFilter(filter)(empty), true, JSON.stringify(filter))
  }
})

t.test('a reply filter does not match a flow without is_reply', async t => {
  t.equal(compileFilter({ reply: [false] })({ is_reply: false }), true)
  t.equal(compileFilter({ reply: [false] })({ is_reply: true }), false)
  t.equal(compileFilter({ reply: [false] })({}), false)
})

t.test('HTTP and DNS filters match the flows of a server with proxies', async t => {
  const http: Flow = {
    l7: { http: { code: 404, method: 'GET', url: 'http://shop/cart/7?x=1', headers: [{ key: 'a', value: 'b' }] } },
  }
  const yes: FlowFilter[] = [
    { http_status_code: ['404'] },
    { http_status_code: ['4+'] },
    { http_status_code: ['500', '40+'] },
    { http_method: ['get'] },
    { http_path: ['^/cart/\\d$'] },
    { http_url: ['shop/.*x=1'] },
    { http_header: [{ key: 'a', value: 'b' }] },
    { protocol: ['http'] },
  ]
  const no: FlowFilter[] = [
    { http_status_code: ['5+'] },
    { http_method: ['put'] },
    { http_path: ['x=1'] },
    { http_url: ['^/cart'] },
    { http_header: [{ key: 'a', value: 'c' }] },
    { protocol: ['dns', 'kafka'] },
    { dns_query: ['.'] },
  ]
  for (const filter of yes) t.equal(compileFilter(filter)(http), true, JSON.stringify(filter))
  for (const filter of no) t.equal(compileFilter(filter)(http), false, JSON.stringify(filter))
  t.equal(compileFilter({ dns_query: ['^a[.]'] })({ l7: { dns: { query: 'a.b.' } } }), true)
  t.equal(compileFilter({ http_path: ['.'] })({ l7: { http: { url: '/x?y' } } }), true)
  t.equal(compileFilter({ http_path: ['.'] })({ l7: { http: { url: 'no url' } } }), false)
})

t.test('a flow must match all fields of a filter, any allow filter and no deny filter', async t => {
  const both: FlowFilter = { source_pod: ['shop/'], destination_port: ['443'] }
  const half: FlowFilter = { source_pod: ['shop/'], destination_port: ['80'] }
  t.equal(compileFilter(both)(FLOW), true)
  t.equal(compileFilter(half)(FLOW), false)
  t.equal(compileFilters([half, both], [])(FLOW), true)
  t.equal(compileFilters([], [half])(FLOW), true)
  t.equal(compileFilters([], [half, both])(FLOW), false)
  t.equal(compileFilters([both], [both])(FLOW), false)
  t.equal(compileFilters([], [])(FLOW), true)
})

t.test('an invalid value is refused with what is allowed', async t => {
  const bad: [FlowFilter, RegExp][] = [
    [{ source_ip: ['10.0.0'] }, /"10.0.0".*allowed: an IPv4/],
    [{ source_ip: ['10.0.0.0/33'] }, /allowed: ADDRESS\/BITS/],
    [{ source_pod: [''] }, /"" is not a pod; allowed/],
    [{ source_service: ['a/b/c'] }, /"a\/b\/c" is not a service; allowed/],
    [{ source_fqdn: ['a b'] }, /"a b" is not a name pattern; allowed/],
    [{ node_name: ['a/b/c'] }, /"a\/b\/c" is not a node; allowed/],
    [{ source_label: ['app=a b'] }, /"app=a b" is not a label selector; allowed/],
    [{ source_port: ['70000'] }, /"70000" is not a port; allowed/],
    [{ source_port: ['x'] }, /"x" is not a port; allowed/],
    [{ protocol: ['constructor'] }, /"constructor" is not a protocol; allowed/],
    [{ http_status_code: ['99'] }, /"99" is not an HTTP status; allowed/],
    [{ http_url: ['('] }, /"\(" is not a regular expression: /],
    [{ source_cluster_name: [''] }, /cluster name is empty; allowed/],
    [{ experimental: ['x'] } as FlowFilter, /unknown filter "experimental"; allowed: uuid, /],
    [{ constructor: ['x'] } as unknown as FlowFilter, /unknown filter "constructor"/],
  ]
  for (const [filter, message] of bad) t.throws(() => compileFilter(filter), message, JSON.stringify(filter))
})

/** Milliseconds that `work` takes. */
function timed(work: () => void): number {
  const start = performance.now()
  work()
  return performance.now() - start
}

t.test('patterns with many wildcards and nested repetitions match in linear time', async t => {
  const long = 'a'.repeat(250)
  const http = { l7: { http: { url: `/${'a'.repeat(5000)}!` } } }
  const cases: readonly [FlowFilter, Flow][] = [
    [{ node_name: [`${'*a'.repeat(22)}b`] }, { node_name: `c/${long}` }],
    [{ source_fqdn: [`${'*'.repeat(22)}b`, `${'*.'.repeat(60)}b`] }, { source_names: [long.replaceAll('aa', 'a.')] }],
    [{ http_path: ['(a+)+$'] }, http],
    [{ http_url: ['(a|aa)*b', '(.*.*.*)*x'] }, http],
    [{ dns_query: ['^(a?){30}a{30}$'] }, { l7: { dns: { query: long } } }],
  ]
  for (const [filter, flow] of cases) {
    let matches = true
    const ms = timed(() => {
      matches = compileFilters([filter], [])(flow)
    })
    t.equal(matches, false, JSON.stringify(filter))
    t.ok(ms < 500, `${JSON.stringify(filter)}: ${Math.round(ms)} ms`)
  }
})

t.test('regular expressions have the syntax of Go', async t => {
  const url = (url: string) => ({ l7: { http: { url } } })
  t.equal(compileFilter({ http_url: ['(?i)^/API/\\pL+$'] })(url('/api/é')), true)
  t.throws(() => compileFilter({ http_url: ['(?=a)'] }), /"\(\?=a\)" is not a regular expression/)
  t.throws(() => compileFilter({ http_url: ['\\1'] }), /is not a regular expression/)
})

t.test('filters over a limit are refused at once with the limit', async t => {
  const many = <T>(count: number, value: T) => Array.from({ length: count }, () => value)
  const cases: readonly [FlowFilter[], RegExp][] = [
    [many(101, { reply: [true] }), /101 filters; allowed: at most 100/],
    [[{ source_port: many(2001, '80') }], /2001 values in all filters; allowed: at most 2000/],
    [[{ source_label: [','.repeat(150_000)] }], /150000 characters in a filter value; allowed: at most 2048/],
    [[{ source_label: ['a,'.repeat(101)] }], /101 commas in a filter value; allowed: at most 100/],
    [many(40, { uuid: ['a'.repeat(2000)] }), /80000 characters in all filters; allowed: at most 65536/],
    [[{ source_fqdn: ['a'.repeat(300)] }], /300 characters in a name pattern; allowed: at most 255/],
    [[{ http_url: many(10, 'a'), dns_query: many(7, 'a') }], /17 regular expressions; allowed: at most 16/],
    [[{ http_url: ['x{900}', 'y{3,101}'] }], /1001 repetitions in all regular expressions; allowed: at most 1000/],
    [[{ http_header: [{ key: 'a'.repeat(3000) }] }], /3000 characters in a filter value/],
  ]
  for (const [filters, message] of cases) {
    for (const [allow, deny] of [
      [filters, []],
      [[], filters],
    ] as const)
      t.ok(timed(() => t.throws(() => compileFilters(allow, deny), message)) < 1000)
  }
})
