// SPDX-License-Identifier: Apache-2.0
/**
 * identifier.ts - names of a flow's source or destination for a context: pod, workload, address ...
 *
 * In:    a flow, and a side.
 * Out:   text, empty if the flow has none. Source: cilium/cilium pkg/hubble/metrics/api/context.go.
 */
import type { Endpoint, Flow } from '../flow/flow.js'
import { KeyField } from './key-fields.js'

export type Side = 'source' | 'destination'

/** In the order of Hubble's documentation. */
export const IDENTIFIERS = [
  'identity',
  'namespace',
  'pod',
  'pod-name',
  'dns',
  'ip',
  'reserved-identity',
  'workload',
  'workload-name',
  'app',
] as const
export type Identifier = (typeof IDENTIFIERS)[number]

const KUBE_APISERVER = 'reserved:kube-apiserver'
const APP_KEYS = ['k8s:app.kubernetes.io/name=', 'k8s:k8s-app=', 'k8s:app='] as const
const NO_LABELS: readonly string[] = []

const OF_ENDPOINT: Readonly<Record<Exclude<Identifier, 'dns' | 'ip'>, (endpoint: Endpoint) => string>> = {
  identity: endpoint => labelsOf(endpoint).join(','),
  namespace: endpoint => endpoint.namespace ?? '',
  pod: endpoint => qualified(endpoint, endpoint.pod_name ?? ''),
  'pod-name': endpoint => endpoint.pod_name ?? '',
  'reserved-identity': reservedOf,
  workload: endpoint => {
    const name = workloadName(endpoint)
    return name === '' ? '' : qualified(endpoint, name)
  },
  'workload-name': workloadName,
  app: appOf,
}

/** A function from a flow to the name of that side. */
export function identify(identifier: Identifier, side: Side): (flow: Flow) => string {
  if (identifier === 'ip') return flow => flow.IP?.[side] ?? ''
  if (identifier === 'dns') return flow => flow[`${side}_names`]?.join(',') ?? ''
  const read = OF_ENDPOINT[identifier]
  return flow => {
    const endpoint = flow[side]
    return endpoint === undefined ? '' : read(endpoint)
  }
}

/** KeyField bits of the name. */
export function keyFieldsOf(identifier: Identifier, side: Side): number {
  return KeyField[side] | (identifier === 'ip' || identifier === 'dns' ? KeyField.address : 0)
}

/** The first workload: Hubble has at most one, and only for endpoints of its own node. */
export function workloadName(endpoint: Endpoint): string {
  return endpoint.workloads?.[0]?.name ?? ''
}

export function workloadKind(endpoint: Endpoint): string {
  return endpoint.workloads?.[0]?.kind ?? ''
}

/** The value of the first label, in the labels' order, that names an application and is not empty. */
export function appOf(endpoint: Endpoint): string {
  for (const label of labelsOf(endpoint)) {
    const key = APP_KEYS.find(known => label.startsWith(known))
    if (key !== undefined && label.length > key.length) return label.slice(key.length)
  }
  return ''
}

function reservedOf(endpoint: Endpoint): string {
  const labels = labelsOf(endpoint)
  if (labels.includes(KUBE_APISERVER)) return KUBE_APISERVER
  return labels.find(label => label.startsWith('reserved:')) ?? ''
}

function qualified(endpoint: Endpoint, name: string): string {
  return endpoint.namespace === undefined ? name : `${endpoint.namespace}/${name}`
}

function labelsOf(endpoint: Endpoint): readonly string[] {
  return endpoint.labels ?? NO_LABELS
}
