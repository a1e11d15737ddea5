// SPDX-License-Identifier: Apache-2.0
/**
 * labels.ts - the identity-relevant labels of a pod, by Cilium's default rules.
 *
 * In:    labels of a pod and of its namespace.
 * Out:   `k8s:key=value`, sorted. Excludes labels that differ between the pods of a workload, or each pod would have an identity
 *        of its own. Source: Cilium's documentation, "Limiting Identity-Relevant Labels", the default list.
 */

/** The only Kubernetes domain with labels that users choose. */
const INCLUDED_DOMAIN = 'app.kubernetes.io'
/** Domains of Kubernetes itself, including subdomains. */
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

/** The identity-relevant labels of the pod itself, sorted. */
export function podLabels(labels: Labels = {}): string[] {
  const own: string[] = []
  for (const key in labels) if (isIdentityRelevant(key)) own.push(`k8s:${key}=${labels[key]}`)
  return own.sort()
}

/** Adds the namespace and its labels to `podLabels()`. */
export function identityLabels(own: readonly string[], namespace: string, namespaceLabels: Labels = {}): string[] {
  const inherited = Object.entries(namespaceLabels).map(([key, value]) => `k8s:${NAMESPACE_LABELS}.${key}=${value}`)
  return [...own, `k8s:${NAMESPACE}=${namespace}`, ...inherited].sort()
}

/** The application name from a pod's labels, '' if it has none. */
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
