/**
 * endpoint-slice.ts - what is kept of an endpoint slice: which pods stand behind a service, and where the API server is.
 *
 * In:    an EndpointSlice of discovery.k8s.io/v1.
 * Out:   a SliceFacts. Not ready endpoints count: a pod is a backend of its service while it starts and ends, too.
 */
import { canonical } from './address-text.js'
import type { ApiObject } from './api-object.js'
import type { Interner } from './interner.js'

export interface SliceFacts {
  readonly key: string
  readonly namespace: string
  readonly service: string
  /** Of the pods behind it. */
  readonly uids: readonly string[]
  /** Of the API server's service only. */
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
