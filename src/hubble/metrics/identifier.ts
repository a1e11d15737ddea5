/**
 * identifier.ts - what a context calls one end of a flow: its pod, its workload, its address ...
 *
 * In:    a flow, and which end.
 * Out:   text, empty where the flow does not say. Source: cilium/cilium pkg/hubble/metrics/api/context.go.
 */
import type { Endpoint, Flow } from '../flow/flow.js'
import { KeyField } from './key-fields.js'

export type Side = 'source' | 'destination'

/** In the order in which Hubble's documentation names them. */
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

const OF_ENDPOINT: Readonly<Record<Exclude<Identifier, 'dns' | 'ip'>, (end: Endpoint) => string>> = {
  identity: end => labelsOf(end).join(','),
  namespace: end => end.namespace ?? '',
  pod: end => qualified(end, end.pod_name ?? ''),
  'pod-name': end => end.pod_name ?? '',
  'reserved-identity': reservedOf,
  workload: end => {
    const name = workloadName(end)
    return name === '' ? '' : qualified(end, name)
  },
  'workload-name': workloadName,
  app: appOf,
}

/** A function that names that end of a flow. */
export function identify(identifier: Identifier, side: Side): (flow: Flow) => string {
  if (identifier === 'ip') return flow => flow.IP?.[side] ?? ''
  if (identifier === 'dns') return flow => flow[`${side}_names`]?.join(',') ?? ''
  const read = OF_ENDPOINT[identifier]
  return flow => {
    const end = flow[side]
    return end === undefined ? '' : read(end)
  }
}

/** What of a record the name depends on. */
export function keyFieldsOf(identifier: Identifier, side: Side): number {
  return KeyField[side] | (identifier === 'ip' || identifier === 'dns' ? KeyField.address : 0)
}

/** The first workload: Hubble knows one at most, and of endpoints of its own node only. */
export function workloadName(end: Endpoint): string {
  return end.workloads?.[0]?.name ?? ''
}

export function workloadKind(end: Endpoint): string {
  return end.workloads?.[0]?.kind ?? ''
}

/** The first label, in the labels' own order, that names an application and is not empty. */
export function appOf(end: Endpoint): string {
  for (const label of labelsOf(end)) {
    const key = APP_KEYS.find(known => label.startsWith(known))
    if (key !== undefined && label.length > key.length) return label.slice(key.length)
  }
  return ''
}

function reservedOf(end: Endpoint): string {
  const labels = labelsOf(end)
  if (labels.includes(KUBE_APISERVER)) return KUBE_APISERVER
  return labels.find(label => label.startsWith('reserved:')) ?? ''
}

function qualified(end: Endpoint, name: string): string {
  return end.namespace === undefined ? name : `${end.namespace}/${name}`
}

function labelsOf(end: Endpoint): readonly string[] {
  return end.labels ?? NO_LABELS
}
