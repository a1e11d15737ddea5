/**
 * strict-object.ts - whether a Kubernetes object is one: Kubernetes' own schemas, and no field that they do not know.
 *
 * In:    an object as rendered.
 * Out:   what is wrong with it, a line each; empty when all is well.
 *
 * kubernetes-models' validators pass unknown fields, but they look at every field that they know: so a field that is there
 * and was never looked at is unknown.
 */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

interface Complaint {
  readonly instancePath: string
  readonly message?: string
  readonly params?: unknown
}

type Validate = ((data: unknown) => boolean) & { readonly errors?: readonly Complaint[] }

const require = createRequire(import.meta.url)
/** By file: the package exports no schema by name. */
const MODULES = fileURLToPath(new URL('../../node_modules/', import.meta.url))
const KUBERNETES = 'kubernetes-models/_schemas/IoK8sApi'
const SCHEMAS: Readonly<Record<string, string>> = {
  'apps/v1 DaemonSet': `${KUBERNETES}AppsV1DaemonSet`,
  'v1 ConfigMap': `${KUBERNETES}CoreV1ConfigMap`,
  'v1 Pod': `${KUBERNETES}CoreV1Pod`,
  'v1 Service': `${KUBERNETES}CoreV1Service`,
  'v1 ServiceAccount': `${KUBERNETES}CoreV1ServiceAccount`,
  'rbac.authorization.k8s.io/v1 ClusterRole': `${KUBERNETES}RbacV1ClusterRole`,
  'rbac.authorization.k8s.io/v1 ClusterRoleBinding': `${KUBERNETES}RbacV1ClusterRoleBinding`,
  'monitoring.coreos.com/v1 ServiceMonitor':
    '@kubernetes-models/prometheus-operator/_schemas/MonitoringCoreosComV1ServiceMonitor',
  'monitoring.coreos.com/v1 PodMonitor':
    '@kubernetes-models/prometheus-operator/_schemas/MonitoringCoreosComV1PodMonitor',
  'monitoring.coreos.com/v1 PrometheusRule':
    '@kubernetes-models/prometheus-operator/_schemas/MonitoringCoreosComV1PrometheusRule',
}

export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
}

export function complaintsOf(object: KubernetesObject): string[] {
  const what = `${object.apiVersion} ${object.kind}`
  const path = SCHEMAS[what]
  if (path === undefined) return [`${what}: no schema`]
  const { validate } = require(`${MODULES}${path}.js`) as { validate: Validate }
  const unread = new Set<string>()
  const good = validate(watched(object, '', unread))
  const errors = good
    ? []
    : (validate.errors ?? []).map(
        error => `${error.instancePath} ${error.message ?? ''} ${JSON.stringify(error.params)}`,
      )
  return [...errors, ...[...unread].map(field => `${field}: unknown field`)].map(
    text => `${what} ${object.metadata.name}: ${text}`,
  )
}

/** The value, whose fields are in `unread` until somebody reads them. */
function watched(value: unknown, path: string, unread: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value
  const fields = new Map<string, unknown>()
  for (const [name, field] of Object.entries(value)) {
    fields.set(name, watched(field, `${path}/${name}`, unread))
    unread.add(`${path}/${name}`)
  }
  return new Proxy(value, {
    get(target, name, receiver) {
      if (typeof name !== 'string' || !fields.has(name)) return Reflect.get(target, name, receiver)
      unread.delete(`${path}/${name}`)
      return fields.get(name)
    },
  })
}
