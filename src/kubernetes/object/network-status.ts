// SPDX-License-Identifier: Apache-2.0
/**
 * network-status.ts - addresses that network plugins publish in annotations.
 *
 * In:    Multus' `k8s.v1.cni.cncf.io/network-status` of a pod (Network Plumbing Working Group, NetworkAttachmentDefinition
 *        specification, 5.2); OVN-Kubernetes' `k8s.ovn.org/node-subnets` of a node.
 * Out:   canonical addresses; none for an annotation that cannot be read.
 */
import { formatAddress, parsePrefix } from '../../lib/address.js'
import { canonical } from './address-text.js'

type Annotations = Readonly<Record<string, string>> | undefined

const NETWORK_STATUS = 'k8s.v1.cni.cncf.io/network-status'
const NODE_SUBNETS = 'k8s.ovn.org/node-subnets'
/** OVN-Kubernetes' management port has the second address of the node's subnet; the first is the router's. */
const MANAGEMENT = 2
/** A smaller subnet has no room for it: /28 for IPv4. */
const MAX_BITS = 124

/** Addresses of a pod's further networks. Those of its default network are in its status. */
export function networkAddresses(annotations: Annotations): string[] {
  const networks = parsed(annotations?.[NETWORK_STATUS])
  if (!Array.isArray(networks)) return []
  return networks.flatMap((network: { default?: unknown; ips?: unknown } | null) =>
    network?.default === true || !Array.isArray(network?.ips) ? [] : network.ips.flatMap(each => address(each) ?? []),
  )
}

/** Addresses of a node's management port in the pods' network. */
export function managementAddresses(annotations: Annotations): string[] {
  const subnets = parsed(annotations?.[NODE_SUBNETS])
  if (typeof subnets !== 'object' || subnets === null) return []
  return Object.values(subnets).flat().flatMap(management)
}

function management(subnet: unknown): string[] {
  try {
    const { addr, bits } = parsePrefix(String(subnet))
    if (bits > MAX_BITS) return []
    addr[15]! |= MANAGEMENT
    return [formatAddress(addr)]
  } catch {
    return []
  }
}

function address(value: unknown): string | undefined {
  return typeof value === 'string' ? canonical(value) : undefined
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}
