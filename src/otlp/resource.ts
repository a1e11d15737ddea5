// SPDX-License-Identifier: Apache-2.0
/**
 * resource.ts - identifies the sender by the resource attributes of OpenTelemetry's conventions.
 *
 * In:    the environment: NODE_NAME, POD_NAME etc. as the Downward API sets them, OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME.
 * Out:   attributes; the user's own win.
 * Fail:  malformed OTEL_RESOURCE_ATTRIBUTES are ignored as a whole with a warning, as the specification says.
 * Never: exports the command line or other variables.
 */
import { createHash } from 'node:crypto'
import { arch, hostname } from 'node:os'

export type Attributes = Readonly<Record<string, string>>

/** Variables that a pod's manifest sets from the Downward API, as those in deploy/ do, or to fixed values. */
const DOWNWARD: Readonly<Record<string, string>> = {
  NODE_NAME: 'k8s.node.name',
  NODE_UID: 'k8s.node.uid',
  POD_NAME: 'k8s.pod.name',
  POD_UID: 'k8s.pod.uid',
  POD_NAMESPACE: 'k8s.namespace.name',
  CONTAINER_NAME: 'k8s.container.name',
  DAEMONSET_NAME: 'k8s.daemonset.name',
  CLUSTER_NAME: 'k8s.cluster.name',
}

const ARCHES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: 'x86',
  arm: 'arm32',
  ppc64: 'ppc64',
  s390x: 's390x',
}
/** Namespace of Weir's UUIDs; any constant would do. */
const NAMESPACE = '6f1d2f0e-6a51-4c0e-9d3c-3f6a0b7c2e55'

export function resourceAttributes(
  env: NodeJS.ProcessEnv,
  version: string,
  warn: (warning: string) => void = () => undefined,
): Attributes {
  const given = givenAttributes(env, warn)
  const downward = Object.entries(DOWNWARD).flatMap(([variable, name]) =>
    env[variable] ? [[name, env[variable]]] : [],
  )
  const host = env.NODE_NAME || hostname()
  const service = env.OTEL_SERVICE_NAME
  return {
    'service.name': 'weir',
    'service.version': version,
    'service.instance.id': uuidOf(`${env.NODE_UID || host}/${env.POD_UID || env.POD_NAME || ''}`),
    'host.name': host,
    'host.arch': ARCHES[arch()] ?? arch(),
    'os.type': 'linux',
    ...(Object.fromEntries(downward) as Attributes),
    ...given,
    ...(service ? { 'service.name': service } : {}),
  }
}

function givenAttributes(env: NodeJS.ProcessEnv, warn: (warning: string) => void): Attributes {
  try {
    return parsePairs(env.OTEL_RESOURCE_ATTRIBUTES ?? '')
  } catch (error) {
    warn(`OTEL_RESOURCE_ATTRIBUTES is ignored: ${(error as Error).message}`)
    return {}
  }
}

/** Parses `a=b,c=d` with percent-encoded values (W3C baggage): OTEL_RESOURCE_ATTRIBUTES and OTEL_EXPORTER_OTLP_HEADERS. */
export function parsePairs(text: string): Attributes {
  const pairs = text.split(',').filter(pair => pair.trim() !== '')
  return Object.fromEntries(pairs.map((pair, i) => parsePair(pair, `pair ${i + 1}`)))
}

/** Errors never contain the value: headers hold passwords. */
function parsePair(pair: string, what: string): [string, string] {
  const at = pair.indexOf('=')
  const name = pair.slice(0, at).trim()
  if (at < 0 || name === '')
    throw new Error(`${what}: expected NAME=VALUE, values percent-encoded, pairs separated by commas`)
  try {
    return [decodeURIComponent(name), decodeURIComponent(pair.slice(at + 1).trim())]
  } catch {
    throw new Error(`${what}: the value of '${name}' is not percent-encoded UTF-8`)
  }
}

/** A UUID of version 5 (RFC 9562): the same for the same pod on the same node. */
function uuidOf(name: string): string {
  const hash = createHash('sha1')
    .update(Buffer.from(NAMESPACE.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest()
  hash[6] = (hash[6]! & 0x0f) | 0x50
  hash[8] = (hash[8]! & 0x3f) | 0x80
  const hex = hash.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}
