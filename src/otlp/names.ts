// SPDX-License-Identifier: Apache-2.0
/**
 * names.ts - names of metrics and labels in OTLP.
 *
 * In:    names of the catalog and of hubble_*, as on /metrics.
 * Out:   dotted metric names and a unit, which Prometheus' own rules turn back into the /metrics name, for every family;
 *        attribute names: OpenTelemetry's where it has one, those of OBI (its eBPF instrumentation) for the endpoints of a flow,
 *        else `weir.LABEL`. ATTRIBUTES is the whole table.
 * Never: renames a label of a hubble_* family: Hubble's dashboards query Hubble's labels.
 */
import { type Metric, OVERFLOW_LABEL } from '../exporter/catalog/metric.js'

/** Attribute by label of a weir_* family. Any other label becomes `weir.LABEL`. */
export const ATTRIBUTES: Readonly<Record<string, string>> = {
  ...endpointAttributes('source', 'src'),
  ...endpointAttributes('destination', 'dst'),
  protocol: 'network.transport',
  direction: 'direction',
  flag: 'weir.tcp.flag',
  [OVERFLOW_LABEL]: 'otel.metric.overflow',
}

/** The semantic conventions write transports in lower case. */
const TRANSPORT = 'network.transport'
const PORTS: ReadonlySet<string> = new Set(['src.port', 'dst.port'])
const OWN_PREFIX = 'weir'

export interface OtlpName {
  readonly name: string
  /** A UCUM unit, `{packet}` (an annotation, which receivers do not append to the name), or empty. */
  readonly unit: string
}

export type AttributeValue = string | number | boolean

function endpointAttributes(side: string, short: string): Record<string, string> {
  return {
    [`${side}_namespace`]: `k8s.${short}.namespace`,
    [`${side}_workload`]: `k8s.${short}.owner.name`,
    [`${side}_workload_kind`]: `k8s.${short}.owner.type`,
    [`${side}_pod`]: `k8s.${short}.name`,
    [`${side}_node`]: `k8s.${short}.node.name`,
    [`${side}_zone`]: `${short}.zone`,
    [`${side}_ip`]: `${short}.address`,
    [`${side}_port`]: `${short}.port`,
    [`${side}_name`]: `${short}.name`,
  }
}

/**
 * Replaces underscores by dots and drops `_total`, which the receiver appends to a monotonic sum. A unit stays in the name: a
 * receiver that appends units does not append one that is there already, and one that does not yields the same name.
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

/** The attribute name of a label. */
export function attributeName(metric: Pick<Metric, 'name'>, label: string): string {
  if (!metric.name.startsWith(`${OWN_PREFIX}_`) && label !== OVERFLOW_LABEL) return label
  return ATTRIBUTES[label] ?? `${OWN_PREFIX}.${label}`
}

/** The attribute value of a label value: transports in lower case, ports as numbers, the overflow mark as a boolean. */
export function attributeValue(attribute: string, value: string): AttributeValue {
  if (attribute === TRANSPORT) return value.toLowerCase()
  if (attribute === ATTRIBUTES[OVERFLOW_LABEL]) return value === 'true'
  return PORTS.has(attribute) && /^\d{1,5}$/.test(value) ? Number(value) : value
}
