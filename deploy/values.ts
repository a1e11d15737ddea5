/**
 * values.ts - the schema of the chart's values, from which values.schema.json is generated.
 *
 * In:    the schema of Weir's settings, for `config`; the thresholds of the alerts.
 * Out:   a JSON schema that helm checks before it renders. It rejects unknown values.
 */
import { z } from 'zod'
import { THRESHOLDS, type ThresholdName } from '../dashboards/thresholds.js'
import { jsonSchema } from '../src/config/json-schema.js'

const text = z.string()
const flag = z.boolean()
const words = z.record(text, text)
/** One of Kubernetes' own types; the API server checks its content. */
const object = z.record(text, z.unknown())
const objects = z.array(object)
const duration = z.string().regex(/^\d+(ms|s|m|h)$/)
const name = z.string().max(63)
const number = z.number()
const port = z.number().int().min(1).max(65_535)
const probe = z.strictObject({
  initialDelaySeconds: number.optional(),
  periodSeconds: number.optional(),
  timeoutSeconds: number.optional(),
  failureThreshold: number.optional(),
  successThreshold: number.optional(),
})
const thresholdNames = Object.keys(THRESHOLDS) as ThresholdName[]
const each = <T extends z.ZodType>(type: T) =>
  z.strictObject(Object.fromEntries(thresholdNames.map(threshold => [threshold, type.optional()])))

const monitor = {
  enabled: flag,
  labels: words,
  interval: duration,
  scrapeTimeout: z.union([duration, z.literal('')]),
  relabelings: objects,
  metricRelabelings: objects,
}

const VALUES = z.strictObject({
  global: object.optional(),
  nameOverride: name,
  fullnameOverride: name,
  namespaceOverride: name,
  commonLabels: words,
  image: z.strictObject({
    registry: text,
    repository: text.min(1),
    tag: text,
    digest: z.union([z.string().regex(/^sha256:[0-9a-f]{64}$/), z.literal('')]),
    pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
  }),
  imagePullSecrets: objects,
  config: object,
  extraArgs: z.array(text),
  extraEnv: objects,
  extraVolumes: objects,
  extraVolumeMounts: objects,
  kubernetes: z.strictObject({ enabled: flag, cilium: flag }),
  podEnd: z.strictObject({ enabled: flag }),
  serviceAccount: z.strictObject({ create: flag, name: name, annotations: words }),
  rbac: z.strictObject({ create: flag }),
  port,
  web: z.strictObject({ configSecret: text }),
  service: z.strictObject({ enabled: flag, annotations: words }),
  serviceMonitor: z.strictObject({
    ...monitor,
    scheme: z.enum(['http', 'https']),
    tlsConfig: object,
    basicAuth: object,
  }),
  podMonitor: z.strictObject(monitor),
  scrapeAnnotations: flag,
  rules: z.strictObject({
    enabled: flag,
    labels: words,
    hubble: flag,
    runbookUrl: text.min(1),
    thresholds: each(number),
    namespaces: each(z.record(text, number)),
  }),
  dashboards: z.strictObject({ enabled: flag, hubble: flag, labels: words, annotations: words }),
  hostNetwork: flag,
  dnsPolicy: z.enum(['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']),
  updateStrategy: object,
  priorityClassName: text,
  tolerations: objects,
  nodeSelector: words,
  affinity: object,
  podAnnotations: words,
  podLabels: words,
  terminationGracePeriodSeconds: z.number().int().min(0),
  resources: object,
  securityContext: z.strictObject({ legacyCapabilities: flag, seccompProfile: object }),
  probes: z.strictObject({ startup: probe, liveness: probe, readiness: probe }),
})

/** The content of values.schema.json. */
export function valuesSchema(): string {
  const schema = z.toJSONSchema(VALUES, { target: 'draft-7' }) as {
    properties: Record<string, unknown>
    required?: unknown
  }
  const { $schema: _, title: __, ...config } = jsonSchema()
  // Values are merged over the defaults, so none is required.
  const json = { ...schema, properties: { ...schema.properties, config } }
  return `${JSON.stringify(withoutRequired(json), null, 2)}\n`
}

function withoutRequired(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutRequired)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, field]) =>
      key === 'required' && Array.isArray(field) ? [] : [[key, withoutRequired(field)]],
    ),
  )
}
