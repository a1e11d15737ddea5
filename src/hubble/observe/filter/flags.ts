// SPDX-License-Identifier: Apache-2.0
/**
 * flags.ts - the filter flags of `observe`: the filter field of each, and how its value is parsed.
 *
 * Out:   a table. `endpoint`: the flag filters the source, the destination, either of them, or the flow itself (none).
 * Fail:  parse() throws an Error that names the value and what is allowed.
 */

import { RESERVED } from '../../../datapath/identity/identity.js'
import type { Workload } from '../../../datapath/identity/workload.js'
import { CILIUM_REASONS } from '../../../datapath/record/reasons.js'
import type { TcpFlags } from '../../flow/flow.js'
import { parseEventType } from './event-type.js'
import type { EventTypeFilter } from './flow-filter.js'
import { TCP_FLAGS } from './transport.js'

export type FlagValue = string | number | boolean | TcpFlags | Workload | EventTypeFilter | { name: string } | Header

interface Header {
  readonly key: string
  readonly value: string
}

interface FlagSpec {
  readonly field: string
  readonly endpoint: 'source' | 'destination' | 'either' | 'none'
  /** Has no field of its own: its value becomes the namespace of pod and Service names. */
  readonly namespace?: true
  /** A flag without a value. */
  readonly bare?: true
  readonly short?: string
  /** The value's placeholder in the help. */
  readonly value: string
  readonly help: string
  readonly parse: (text: string) => FlagValue
}

const VERDICTS = ['FORWARDED', 'DROPPED', 'AUDIT', 'REDIRECTED', 'ERROR', 'TRACED', 'TRANSLATED'] as const
const DIRECTIONS = ['INGRESS', 'EGRESS'] as const
/** The values of Hubble's CLI, which reads any other as `none`. */
const VERSIONS: Readonly<Record<string, string>> = {
  ...{ v4: 'IPv4', ipv4: 'IPv4', ip4: 'IPv4', 4: 'IPv4' },
  ...{ v6: 'IPv6', ipv6: 'IPv6', ip6: 'IPv6', 6: 'IPv6' },
  none: 'IP_NOT_USED',
}

export const FILTER_FLAGS = {
  verdict: flowFlag('verdict', 'verdict', VERDICTS.join(', '), oneOf('verdict', VERDICTS)),
  type: { ...flowFlag('event_type', 'type[:subtype]', 'trace:to-endpoint, drop, ...', parseEventType), short: 't' },
  'drop-reason-desc': flowFlag('drop_reason_desc', 'name', 'POLICY_DENIED, ...', oneOf('drop reason', CILIUM_REASONS)),
  protocol: flowFlag('protocol', 'name', 'tcp, udp, icmp, sctp, dns, http, ...', unchanged),
  'tcp-flags': flowFlag('tcp_flags', 'flags', 'syn, or flags that must all be set: syn,ack', parseTcpFlags),
  'traffic-direction': flowFlag('traffic_direction', 'direction', 'ingress or egress', parseDirection),
  ...endpointFlags(
    'pod',
    'pod',
    '[namespace/]prefix',
    'prefix of a pod name; without a namespace, in default',
    unchanged,
  ),
  ...endpointFlags('service', 'service', '[namespace/]prefix', 'prefix of a Service name', unchanged),
  ...endpointFlags('workload', 'workload', '[kind/]name', 'Deployment/web, web, Deployment/', parseWorkload),
  ...endpointFlags('label', 'label', 'selector', 'k8s:app=web, app in (a,b), !old, reserved:host', unchanged, 'l'),
  ...endpointFlags('identity', 'identity', 'identity', 'a number, or host, world, ...', parseIdentity),
  ...endpointFlags('ip', 'ip', 'address', '10.0.0.1, or a prefix: 10.0.0.0/8', unchanged),
  ...endpointFlags('port', 'port', 'number', 'TCP, UDP or SCTP port', unchanged),
  ...endpointFlags('fqdn', 'fqdn', 'pattern', '*.example.com', unchanged),
  ...endpointFlags('cluster', 'cluster_name', 'name', 'name of the cluster', unchanged),
  ...namespaceFlags(),
  'snat-ip': { ...flowFlag('source_ip_xlated', 'address', 'source address after NAT, or a prefix', unchanged) },
  'ip-version': flowFlag('ip_version', 'version', 'v4, v6 or none', parseVersion),
  ipv4: { ...flowFlag('ip_version', '', 'IPv4 only', () => 'IPv4'), bare: true, short: '4' },
  ipv6: { ...flowFlag('ip_version', '', 'IPv6 only', () => 'IPv6'), bare: true, short: '6' },
  interface: flowFlag('interface', 'name', 'interface on which the flow was observed', name => ({ name })),
  encrypted: { ...flowFlag('encrypted', '', 'encrypted only', () => true), bare: true },
  unencrypted: { ...flowFlag('encrypted', '', 'unencrypted only', () => false), bare: true },
  'http-status': flowFlag('http_status_code', 'status', '404, 4+', unchanged),
  'http-method': flowFlag('http_method', 'method', 'get', unchanged),
  'http-path': flowFlag('http_path', 'regex', 'path of a URL', unchanged),
  'http-url': flowFlag('http_url', 'regex', 'whole URL', unchanged),
  'http-header': flowFlag('http_header', 'name:value', 'HTTP header', parseHeader),
  uuid: flowFlag('uuid', 'uuid', 'a single flow', unchanged),
  'trace-id': flowFlag('trace_id', 'id', 'trace ID of a request', unchanged),
  'ip-trace-id': flowFlag('ip_trace_id', 'number', 'trace ID in an IP option', parseTraceId),
  'node-name': flowFlag('node_name', 'pattern', 'node-*, cluster/node', unchanged),
  'node-label': flowFlag('node_labels', 'selector', "selector on the node's labels", unchanged),
} as const satisfies Readonly<Record<string, FlagSpec>>

export type FilterFlag = keyof typeof FILTER_FLAGS

type EndpointFlags<Name extends string> = Record<Name | `from-${Name}` | `to-${Name}`, FlagSpec>

/** `--pod`, `--from-pod` and `--to-pod`. */
function endpointFlags<Name extends string>(
  name: Name,
  field: string,
  value: string,
  help: string,
  parse: FlagSpec['parse'],
  short?: string,
): EndpointFlags<Name> {
  const spec = { field, value, help, parse }
  return {
    [name]: { ...spec, endpoint: 'either', ...(short === undefined ? {} : { short }) },
    [`from-${name}`]: { ...spec, endpoint: 'source' },
    [`to-${name}`]: { ...spec, endpoint: 'destination' },
  } as EndpointFlags<Name>
}

function namespaceFlags(): EndpointFlags<'namespace'> & EndpointFlags<'all-namespaces'> {
  const flags = endpointFlags('namespace', '', 'name', 'namespace of a pod or Service', parseNamespace, 'n')
  const all = endpointFlags('all-namespaces', '', '', 'any namespace', () => '', 'A')
  for (const spec of Object.values(flags)) Object.assign(spec, { namespace: true })
  for (const spec of Object.values(all)) Object.assign(spec, { namespace: true, bare: true })
  return { ...flags, ...all }
}

function flowFlag(field: string, value: string, help: string, parse: FlagSpec['parse']): FlagSpec {
  return { field, endpoint: 'none', value, help, parse }
}

/** The filter checks the value. */
function unchanged(text: string): string {
  return text
}

function oneOf(what: string, allowed: readonly string[]): (text: string) => string {
  return text => {
    const found = allowed.find(word => word === text.toUpperCase())
    if (found === undefined) throw new Error(`"${text}" is not a ${what}; allowed: ${allowed.join(', ')}`)
    return found
  }
}

function parseDirection(text: string): string {
  const found = DIRECTIONS.find(word => word === text.toUpperCase())
  if (found === undefined) throw new Error(`"${text}" is not a traffic direction; allowed: ingress, egress`)
  return found
}

function parseTcpFlags(text: string): TcpFlags {
  const flags: TcpFlags = {}
  for (const word of text.split(',')) {
    const flag = TCP_FLAGS.find(name => name === word.trim().toUpperCase())
    if (flag === undefined) throw new Error(`"${word}" is not a TCP flag; allowed: ${TCP_FLAGS.join(', ')}`)
    flags[flag] = true
  }
  return flags
}

/** `kind/name`, `kind/` or `name`. */
function parseWorkload(text: string): Workload {
  const slash = text.indexOf('/')
  if (text === '') throw new Error('the workload is empty; allowed: NAME, KIND/NAME, KIND/')
  return slash < 0 ? { name: text } : { kind: text.slice(0, slash), name: text.slice(slash + 1) }
}

function parseIdentity(text: string): number {
  const reserved = (RESERVED as readonly string[]).indexOf(text)
  if (reserved >= 0) return reserved
  if (/^\d{1,10}$/.test(text) && Number(text) <= 0xffff_ffff) return Number(text)
  throw new Error(`"${text}" is not an identity; allowed: a number, ${RESERVED.join(', ')}`)
}

function parseNamespace(text: string): string {
  if (text === '' || text.includes('/'))
    throw new Error(`"${text}" is not a namespace; allowed: a name without a slash`)
  return text
}

function parseVersion(text: string): string {
  const word = text.toLowerCase()
  const version = Object.hasOwn(VERSIONS, word) ? VERSIONS[word] : undefined
  if (version === undefined)
    throw new Error(`"${text}" is not an IP version; allowed: ${Object.keys(VERSIONS).join(', ')}`)
  return version
}

function parseHeader(text: string): Header {
  const colon = text.indexOf(':')
  if (colon < 1) throw new Error(`"${text}" is not a header; allowed: NAME:VALUE`)
  return { key: text.slice(0, colon), value: text.slice(colon + 1) }
}

function parseTraceId(text: string): string {
  if (!/^[1-9]\d{0,19}$/.test(text)) throw new Error(`"${text}" is not an IP trace ID; allowed: a number above 0`)
  return text
}
