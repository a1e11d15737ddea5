/**
 * flags.test.ts - FlowFilters from filter flags in command line order, as Hubble's CLI builds them.
 */
import t from 'tap'
import { FilterBuilder } from '../../../src/hubble/observe/filter/builder.js'
import { FILTER_FLAGS, type FilterFlag } from '../../../src/hubble/observe/filter/flags.js'

/** `not` negates the next flag. */
type Flag = readonly [FilterFlag, string] | 'not'

function build(...flags: readonly Flag[]) {
  const builder = new FilterBuilder()
  for (const flag of flags) {
    if (flag === 'not') builder.not()
    else builder.set(...flag)
  }
  return builder.build()
}

const allow = (...flags: readonly Flag[]) => build(...flags).allow

t.test('without flags there is no filter', async t => {
  t.strictSame(build(), { allow: [], deny: [] })
})

t.test('a flag for either endpoint makes two filters, a flag for one endpoint a single one', async t => {
  t.strictSame(allow(['pod', 'shop/a']), [{ source_pod: ['shop/a'] }, { destination_pod: ['shop/a'] }])
  t.strictSame(allow(['from-pod', 'shop/a']), [{ source_pod: ['shop/a'] }])
  t.strictSame(allow(['to-pod', 'shop/a']), [{ destination_pod: ['shop/a'] }])
  t.strictSame(allow(['from-ip', '1.1.1.1'], ['to-port', '80']), [{ source_ip: ['1.1.1.1'], destination_port: ['80'] }])
})

t.test('a repeated flag adds values, in the order given', async t => {
  t.strictSame(allow(['verdict', 'DROPPED'], ['verdict', 'audit']), [{ verdict: ['DROPPED', 'AUDIT'] }])
  t.strictSame(allow(['port', '80'], ['port', '443'], ['protocol', 'tcp']), [
    { source_port: ['80', '443'], protocol: ['tcp'] },
    { destination_port: ['80', '443'], protocol: ['tcp'] },
  ])
})

t.test('--not negates the next flag only', async t => {
  t.strictSame(build('not', ['verdict', 'DROPPED'], ['protocol', 'udp'], 'not', ['protocol', 'tcp']), {
    allow: [{ protocol: ['udp'] }],
    deny: [{ verdict: ['DROPPED'], protocol: ['tcp'] }],
  })
  t.throws(() => build('not', 'not', ['protocol', 'udp']), /--not follows another --not; allowed/)
  t.throws(() => build(['protocol', 'udp'], 'not'), /--not is the last flag; allowed/)
})

t.test('a namespace becomes the prefix of pod and Service names', async t => {
  t.strictSame(allow(['namespace', 'shop']), [{ source_pod: ['shop/'] }, { destination_pod: ['shop/'] }])
  t.strictSame(allow(['from-namespace', 'shop'], ['from-namespace', 'data']), [{ source_pod: ['shop/', 'data/'] }])
  t.strictSame(allow(['from-namespace', 'shop'], ['to-namespace', 'data']), [
    { source_pod: ['shop/'], destination_pod: ['data/'] },
  ])
  t.strictSame(allow(['namespace', 'shop'], ['pod', 'a']), [
    { source_pod: ['shop/a'] },
    { destination_pod: ['shop/a'] },
  ])
  t.strictSame(allow(['namespace', 'shop'], ['service', 'a']), [
    { source_service: ['shop/a'] },
    { destination_service: ['shop/a'] },
  ])
  t.strictSame(allow(['from-namespace', 'a'], ['from-namespace', 'b'], ['to-pod', 'p']), [
    { destination_pod: ['p'], source_pod: ['a/', 'b/'] },
  ])
  t.strictSame(allow(['to-all-namespaces', '']), [{ destination_pod: ['/'] }])
  t.throws(() => build(['namespace', 'a'], ['pod', 'b/x']), /"b\/x" is not in namespace a; allowed/)
  t.throws(() => build(['namespace', 'a/b']), /"a\/b" is not a namespace; allowed/)
})

t.test('each value is parsed into the form of its field', async t => {
  const one = (flag: FilterFlag, value: string) => allow([flag, value])[0]
  t.strictSame(one('type', 'drop'), { event_type: [{ type: 1 }] })
  t.strictSame(one('type', 'l7'), { event_type: [{ type: 129 }] })
  t.strictSame(one('type', '4'), { event_type: [{ type: 4 }] })
  t.strictSame(one('type', 'trace:to-endpoint'), { event_type: [{ type: 4, match_sub_type: true, sub_type: 0 }] })
  t.strictSame(one('type', 'trace:from-crypto'), { event_type: [{ type: 4, match_sub_type: true, sub_type: 12 }] })
  t.strictSame(one('type', 'drop:133'), { event_type: [{ type: 1, match_sub_type: true, sub_type: 133 }] })
  t.strictSame(one('tcp-flags', 'syn,Ack'), { tcp_flags: [{ SYN: true, ACK: true }] })
  t.strictSame(one('from-workload', 'Deployment/web'), { source_workload: [{ kind: 'Deployment', name: 'web' }] })
  t.strictSame(one('from-workload', 'web'), { source_workload: [{ name: 'web' }] })
  t.strictSame(one('from-identity', 'world'), { source_identity: [2] })
  t.strictSame(one('from-identity', '4711'), { source_identity: [4711] })
  t.strictSame(one('traffic-direction', 'egress'), { traffic_direction: ['EGRESS'] })
  t.strictSame(one('drop-reason-desc', 'POLICY_DENIED'), { drop_reason_desc: ['POLICY_DENIED'] })
  t.strictSame(one('http-header', 'a:b:c'), { http_header: [{ key: 'a', value: 'b:c' }] })
  t.strictSame(one('ip-version', 'none'), { ip_version: ['IP_NOT_USED'] })
  for (const version of ['4', 'v4', 'IPv4', 'ip4']) t.strictSame(one('ip-version', version), { ip_version: ['IPv4'] })
  t.strictSame(one('ipv6', ''), { ip_version: ['IPv6'] })
  t.strictSame(one('unencrypted', ''), { encrypted: [false] })
  t.strictSame(one('interface', 'eth0'), { interface: [{ name: 'eth0' }] })
  t.strictSame(one('snat-ip', '10.0.0.0/8'), { source_ip_xlated: ['10.0.0.0/8'] })
  t.strictSame(one('cluster', 'east'), { source_cluster_name: ['east'] })
  t.strictSame(one('ip-trace-id', '7'), { ip_trace_id: ['7'] })
})

t.test('an invalid value is refused with what is allowed', async t => {
  const bad: [FilterFlag, string, RegExp][] = [
    ['verdict', 'NO', /"NO" is not a verdict; allowed: FORWARDED, DROPPED/],
    ['type', 'constructor', /"constructor" is not an event type; allowed: capture, drop, l7/],
    ['ip-version', '__proto__', /"__proto__" is not an IP version; allowed: .*v4/],
    ['type', 'agent', /"agent" is not an event type; allowed: capture, drop, l7/],
    ['type', 'trace:nowhere', /"nowhere" is not a sub-type of trace; allowed: to-endpoint/],
    ['type', 'drop:x', /"x" is not a sub-type of drop; allowed: a number/],
    ['tcp-flags', 'syn,foo', /"foo" is not a TCP flag; allowed: SYN/],
    ['traffic-direction', 'up', /"up" is not a traffic direction; allowed: ingress, egress/],
    ['drop-reason-desc', '', /"" is not a drop reason; allowed: .*POLICY_DENIED/],
    ['identity', 'me', /"me" is not an identity; allowed: a number, unknown, host/],
    ['identity', '4294967296', /is not an identity/],
    ['workload', '', /workload is empty; allowed/],
    ['ip-version', '5', /"5" is not an IP version; allowed: .*v4, .*v6, .*none/],
    ['http-header', 'a', /"a" is not a header; allowed/],
    ['ip-trace-id', '0', /"0" is not an IP trace ID; allowed/],
    ['protocol', 'gre', /"gre" is not a protocol; allowed/],
    ['to-ip', 'x', /"x" is not an address; allowed/],
  ]
  for (const [flag, value, message] of bad) t.throws(() => build([flag, value]), message, `${flag} ${value}`)
})

t.test('the cluster flags for either endpoint and for one can be combined', async t => {
  const { allow } = build(['cluster', 'east'], ['to-cluster', 'west'])
  t.strictSame(allow, [
    { source_cluster_name: ['east'], destination_cluster_name: ['west'] },
    { destination_cluster_name: ['east', 'west'] },
  ])
})

t.test('conflicting flags are refused together', async t => {
  const pairs: [FilterFlag, FilterFlag][] = [
    ['ip', 'from-ip'],
    ['ip', 'pod'],
    ['namespace', 'to-namespace'],
    ['label', 'from-label'],
    ['port', 'to-port'],
    ['identity', 'to-identity'],
    ['encrypted', 'unencrypted'],
  ]
  const value: Partial<Record<FilterFlag, string>> = {
    ip: '1.1.1.1',
    'from-ip': '1.1.1.1',
    identity: '1',
    'to-identity': '1',
  }
  const flagOf = (flag: FilterFlag): Flag => [flag, value[flag] ?? '80']
  for (const [a, b] of pairs) {
    t.throws(() => build(flagOf(a), flagOf(b)), /cannot be combined; allowed: one of/, `${a} ${b}`)
    t.doesNotThrow(() => build(flagOf(a), 'not', flagOf(b)), 'unless one is negated')
  }
})

t.test('every flag sets a field that the filters know', async t => {
  const samples: Partial<Record<string, string>> = {
    verdict: 'DROPPED',
    event_type: 'drop',
    drop_reason_desc: 'POLICY_DENIED',
    protocol: 'tcp',
    tcp_flags: 'syn',
    traffic_direction: 'ingress',
    ip: '1.1.1.1',
    source_ip_xlated: '1.1.1.1',
    ip_version: 'v4',
    http_status_code: '404',
    http_header: 'a:b',
  }
  for (const [flag, { field }] of Object.entries(FILTER_FLAGS)) {
    t.doesNotThrow(() => build([flag as FilterFlag, samples[field] ?? '1']), flag)
  }
})
