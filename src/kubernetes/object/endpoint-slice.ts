// SPDX-License-Identifier: Apache-2.0
/**
 * endpoint-slice.ts - facts of an endpoint slice: the backends of a service, and the addresses of the API server.
 *
 * In:    an EndpointSlice of discovery.k8s.io/v1.
 * Out:   a SliceFacts. Endpoints that are not ready count: a pod is a backend of its service also while it starts and stops.
 */
import { canonical } from './address-text.js'
import type { ApiObject } from './api-object.js'
import type { Interner } from './interner.js'

export interface SliceFacts {
  readonly key: string
  readonly namespace: string
  readonly service: string
  /** Uids of the pods behind it. */
  readonly uids: readonly string[]
  /** Addresses of the API server; empty for any other service. */
  readonly ips: readonly string[]
}

export interface ApiEndpointSlice extends ApiObject {
  readonly endpoints?:
    | readonly {
        readonly addresses?: readonly string[]
        readonly targetRef?: { readonly kind?: string; readonly uid?: string }
      }[]
    | null
}

const SERVICE = 'kubernetes.io/service-name'

export function sliceFacts({ metadata, endpoints }: ApiEndpointSlice, intern: Interner): SliceFacts | undefined {
  const namespace = intern.of(metadata.namespace ?? '')
  const service = intern.of(metadata.labels?.[SERVICE] ?? '')
  if (service === '') return undefined
  const all = endpoints ?? []
  const isApiServer = namespace === 'default' && service === 'kubernetes'
  return {
    key: `slice/${namespace}/${metadata.name ?? ''}`,
    namespace,
    service,
    uids: all.flatMap(({ targetRef }) => (targetRef?.kind === 'Pod' && targetRef.uid ? [targetRef.uid] : [])),
    ips: isApiServer ? all.flatMap(({ addresses = [] }) => addresses).flatMap(ip => canonical(ip) ?? []) : [],
  }
}
