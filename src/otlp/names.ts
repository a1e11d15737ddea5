/**
 * names.ts - what a metric and its labels are called in OTLP.
 *
 * In:    names of the catalogue and of hubble_*, as /metrics has them.
 * Out:   metric names with dots and a unit, which Prometheus' own rules turn back into the /metrics name, for every family;
 *        attribute names: OpenTelemetry's where there are any, OBI's (its eBPF instrumentation) for the ends of a flow,
 *        `weir.LABEL` otherwise. ATTRIBUTES is the whole table.
 * Never: renames a label of a hubble_* family: Hubble's dashboards ask for Hubble's labels.
 */
import { type Metric, OVERFLOW_LABEL } from '../exporter/catalog/metric.js'

/** Label of a weir_* family to attribute. Any other label is `weir.LABEL`. */
export const ATTRIBUTES: Readonly<Record<string, string>> = {
  ...endOf('source', 'src'),
  ...endOf('destination', 'dst'),
  protocol: 'network.transport',
  direction: 'direction',
  reason: 'weir.drop.reason',
  flag: 'weir.tcp.flag',
  [OVERFLOW_LABEL]: 'otel.metric.overflow',
}

/** Semantic conventions write transports in lower case. */
const LOWER_CASE = 'network.transport'
const PORTS: ReadonlySet<string> = new Set(['src.port', 'dst.port'])
const OWN_PREFIX = 'weir'

export interface OtlpName {
  readonly name: string
  /** UCUM, `{packet}` (an annotation, which adds nothing to a name), or empty. */
  readonly unit: string
}

export type AttributeValue = string | number | boolean

function endOf(end: string, short: string): Record<string, string> {
  return {
    [`${end}_namespace`]: `k8s.${short}.namespace`,
    [`${end}_workload`]: `k8s.${short}.owner.name`,
    [`${end}_workload_kind`]: `k8s.${short}.owner.type`,
    [`${end}_pod`]: `k8s.${short}.name`,
    [`${end}_node`]: `k8s.${short}.node.name`,
    [`${end}_zone`]: `${short}.zone`,
    [`${end}_ip`]: `${short}.address`,
    [`${end}_port`]: `${short}.port`,
    [`${end}_name`]: `${short}.name`,
  }
}

/**
 * Dots for underscores, less `_total`, which the receiver adds for a monotonic sum. A unit stays in the name: a receiver that
 * adds units leaves out what is there, and one that does not has the same name.
 */
export function otlpName({ name, type }: Pick<Metric, 'name' | 'type'>): OtlpName {
  const whole = type === 'counter' ? name.replace(/_total$/, '') : name
  return { name: whole.replaceAll('_', '.'), unit: unitOf(whole) }
}

function unitOf(name: string): string {
  if (/_bytes(_|$)/.test(name)) return 'By'
  if (/_seconds(_|$)/.test(name)) return 's'
  return /_packets(_|$)/.test(name) ? '{packet}' : ''
}

/** The attribute of a label. */
export function attributeName(metric: Pick<Metric, 'name'>, label: string): string {
  if (!metric.name.startsWith(`${OWN_PREFIX}_`) && label !== OVERFLOW_LABEL) return label
  return ATTRIBUTES[label] ?? `${OWN_PREFIX}.${label}`
}

/** A label's value as that attribute's: transports in lower case, ports as numbers, the overflow mark as a boolean. */
export function attributeValue(attribute: string, value: string): AttributeValue {
  if (attribute === LOWER_CASE) return value.toLowerCase()
  if (attribute === ATTRIBUTES[OVERFLOW_LABEL]) return value === 'true'
  return PORTS.has(attribute) && /^\d{1,5}$/.test(value) ? Number(value) : value
}
