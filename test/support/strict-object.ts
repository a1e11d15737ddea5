/**
 * strict-object.ts - validates a Kubernetes object against Kubernetes' own schemas, and rejects unknown fields.
 *
 * In:    an object as rendered.
 * Out:   its errors, one per line; empty when it is valid.
 *
 * kubernetes-models' validators ignore unknown fields, but they read every field that they know. So a field that no
 * validator reads is unknown.
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
/** Loaded by file: the package does not export its schemas. */
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
  const type = `${object.apiVersion} ${object.kind}`
  const path = SCHEMAS[type]
  if (path === undefined) return [`${type}: no schema`]
  const { validate } = require(`${MODULES}${path}.js`) as { validate: Validate }
  const unread = new Set<string>()
  const valid = validate(recordingReads(object, '', unread))
  const errors = valid
    ? []
    : (validate.errors ?? []).map(
        error => `${error.instancePath} ${error.message ?? ''} ${JSON.stringify(error.params)}`,
      )
  return [...errors, ...[...unread].map(field => `${field}: unknown field`)].map(
    text => `${type} ${object.metadata.name}: ${text}`,
  )
}

/** A proxy of the value; its fields are in `unread` until they are read. */
function recordingReads(value: unknown, path: string, unread: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value
  const fields = new Map<string, unknown>()
  for (const [name, field] of Object.entries(value)) {
    fields.set(name, recordingReads(field, `${path}/${name}`, unread))
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
