/**
 * labels.ts - the labels of a pod's identity, as Cilium chooses them when nobody configured others.
 *
 * In:    labels of a pod and of its namespace.
 * Out:   `k8s:key=value`, sorted. What differs from pod to pod of a workload is left out, or each pod would be an
 *        identity of its own. Source: Cilium's documentation, "Limiting Identity-Relevant Labels", the default list.
 */

/** The one domain of Kubernetes whose labels people choose themselves. */
const INCLUDED_DOMAIN = 'app.kubernetes.io'
/** Of Kubernetes' own machinery, with what is below them. */
const EXCLUDED_DOMAINS = ['kubernetes.io', 'k8s.io']
const EXCLUDED_PREFIXES = ['io.kubernetes', 'annotation.', 'pod-template-generation']
const EXCLUDED = new Set([
  'pod-template-hash',
  'rollouts-pod-template-hash',
  'controller-revision-hash',
  'controller-uid',
  'job-name',
  'etcd_node',
])

const NAMESPACE = 'io.kubernetes.pod.namespace'
const NAMESPACE_LABELS = 'io.cilium.k8s.namespace.labels'
const APP = ['app.kubernetes.io/name', 'k8s-app', 'app'] as const

type Labels = Readonly<Record<string, string>>

/** Of the pod alone, sorted. */
export function podLabels(labels: Labels = {}): string[] {
  const own: string[] = []
  for (const key in labels) if (isIdentityRelevant(key)) own.push(`k8s:${key}=${labels[key]}`)
  return own.sort()
}

/** With those that its namespace brings. */
export function identityLabels(own: readonly string[], namespace: string, namespaceLabels: Labels = {}): string[] {
  const inherited = Object.entries(namespaceLabels).map(([key, value]) => `k8s:${NAMESPACE_LABELS}.${key}=${value}`)
  return [...own, `k8s:${NAMESPACE}=${namespace}`, ...inherited].sort()
}

/** The name of the application that a pod says it is of. */
export function appOf(labels: Labels = {}): string {
  for (const key of APP) if (labels[key]) return labels[key]
  return ''
}

function isIdentityRelevant(key: string): boolean {
  const slash = key.indexOf('/')
  const domain = slash < 0 ? '' : key.slice(0, slash)
  if (domain === INCLUDED_DOMAIN) return true
  if (EXCLUDED.has(key) || EXCLUDED_PREFIXES.some(prefix => key.startsWith(prefix))) return false
  return !EXCLUDED_DOMAINS.some(own => domain === own || domain.endsWith(`.${own}`))
}
