// SPDX-License-Identifier: Apache-2.0
/**
 * inventory.ts - the inventory file of a lab.
 *
 * In:    the current pods.
 * Out:   an object with the keys of an inventory file, for JSON.stringify or a loader.
 */
import type { Place, PodSpec } from './plan.js'
import { GATEWAY, NODE } from './plan.js'

/** Cilium's reserved identities (pkg/identity/numericidentity.go). */
const HOST = 1
const WORLD = 2
const FIRST_IDENTITY = 1000
/** Endpoint numbers have 16 bits in a record; low ones are easily mistaken for something else in a dump. */
const FIRST_ENDPOINT = 100

export interface PlacedPod extends Place {
  readonly spec: PodSpec
  /** Interface index of the host side, in the node's namespace. */
  readonly ifindex: number
  /** One number per (namespace, workload). */
  readonly identity: number
}

export interface Inventory {
  readonly identities: Record<string, string[]>
  readonly endpoints: InventoryEndpoint[]
  readonly cidrs: Record<string, number>
  readonly services: never[]
  readonly dns: Record<string, string[]>
  readonly links: Record<string, string>
  readonly cgroups: Record<string, string>
}

export interface InventoryEndpoint {
  readonly id: number
  readonly ips: string[]
  readonly identity: number
  readonly namespace: string
  readonly pod: string
  readonly workload: { kind: string; name: string }
  readonly local: boolean
}

/** Allocates identities. One instance per lab, so that the number of a workload never changes. */
export class Identities {
  readonly #numbers = new Map<string, number>()

  /** The number of a pod's workload, equal for all replicas. */
  of(spec: PodSpec): number {
    const key = JSON.stringify([spec.namespace, spec.workload])
    const number = this.#numbers.get(key) ?? FIRST_IDENTITY + this.#numbers.size
    this.#numbers.set(key, number)
    return number
  }
}

/** The inventory of a lab. */
export function inventoryOf(placed: readonly PlacedPod[]): Inventory {
  return {
    identities: Object.fromEntries(placed.map(({ identity, spec }) => [identity, identityLabels(spec)])),
    endpoints: placed.map(endpoint),
    cidrs: { '0.0.0.0/0': WORLD, '::/0': WORLD, ...hostAddresses() },
    services: [],
    dns: {},
    links: Object.fromEntries([[1, 'lo'], ...placed.map(({ ifindex, link }) => [ifindex, link])]),
    cgroups: {},
  }
}

function endpoint({ index, ipv4, ipv6, identity, spec }: PlacedPod): InventoryEndpoint {
  return {
    id: FIRST_ENDPOINT + index,
    ips: [ipv4, ipv6],
    identity,
    namespace: spec.namespace,
    pod: spec.name,
    workload: { kind: spec.kind ?? 'Deployment', name: spec.workload },
    local: true,
  }
}

function identityLabels(spec: PodSpec): string[] {
  const labels = { app: spec.workload, 'io.kubernetes.pod.namespace': spec.namespace, ...spec.labels }
  return Object.entries(labels).map(([name, value]) => `k8s:${name}=${value}`)
}

function hostAddresses(): Record<string, number> {
  const v4 = [GATEWAY.ipv4, NODE.ipv4].map(address => [`${address}/32`, HOST])
  const v6 = [GATEWAY.ipv6, NODE.ipv6].map(address => [`${address}/128`, HOST])
  return Object.fromEntries([...v4, ...v6])
}
