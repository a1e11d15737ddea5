// SPDX-License-Identifier: Apache-2.0
/**
 * cilium.ts - facts of Cilium's objects: the labels of each identity, and the identity of each pod.
 *
 * In:    CiliumIdentity and CiliumEndpoint of cilium.io/v2.
 * Out:   facts; undefined for an endpoint without an identity or a pod.
 */
import type { IdentityFacts } from '../../datapath/identity/entity-changes.js'
import type { ApiObject } from './api-object.js'

export interface CiliumIdentityFacts extends IdentityFacts {
  readonly key: string
}

export interface CiliumEndpointFacts {
  readonly key: string
  /** The pod's uid. */
  readonly pod: string
  readonly identity: number
  /** Its number on its node. */
  readonly endpoint: number
  /** Labels of its identity, as its node saw them. */
  readonly labels: readonly string[]
}

export interface ApiCiliumIdentity extends ApiObject {
  readonly 'security-labels'?: Readonly<Record<string, string>>
}

export interface ApiCiliumEndpoint extends ApiObject {
  readonly status?: {
    readonly id?: number
    readonly identity?: { readonly id?: number; readonly labels?: readonly string[] }
  }
}

export function ciliumIdentityFacts(object: ApiCiliumIdentity): CiliumIdentityFacts | undefined {
  const identity = Number(object.metadata.name)
  if (!Number.isInteger(identity) || identity <= 0) return undefined
  const labels = Object.entries(object['security-labels'] ?? {}).map(([key, value]) => `${key}=${value}`)
  return { key: `identity/${identity}`, identity, labels: labels.sort() }
}

export function ciliumEndpointFacts({ metadata, status }: ApiCiliumEndpoint): CiliumEndpointFacts | undefined {
  const pod = metadata.ownerReferences?.find(owner => owner.kind === 'Pod')?.uid
  const identity = status?.identity?.id ?? 0
  if (pod === undefined || identity === 0) return undefined
  const labels = [...(status?.identity?.labels ?? [])].sort()
  return { key: `endpoint/${metadata.uid ?? ''}`, pod, identity, endpoint: status?.id ?? 0, labels }
}
