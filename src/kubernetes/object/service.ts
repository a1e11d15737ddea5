// SPDX-License-Identifier: Apache-2.0
/**
 * service.ts - facts of a service: its addresses and ports.
 *
 * In:    a Service of the API.
 * Out:   a ServiceFacts; headless and ExternalName services have no address.
 */
import type { ServicePort } from '../../datapath/identity/entity-changes.js'
import { canonical } from './address-text.js'
import type { ApiObject } from './api-object.js'
import type { Interner } from './interner.js'

export interface ServiceFacts {
  readonly key: string
  readonly namespace: string
  readonly name: string
  readonly ips: readonly string[]
  readonly ports: readonly ServicePort[]
}

export interface ApiService extends ApiObject {
  readonly spec?: {
    readonly clusterIP?: string
    readonly clusterIPs?: readonly string[]
    readonly externalIPs?: readonly string[]
    readonly ports?: readonly { readonly port?: number; readonly protocol?: string }[]
  }
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] } }
}

export function serviceFacts({ metadata, spec, status }: ApiService, intern: Interner): ServiceFacts {
  const namespace = intern.of(metadata.namespace ?? '')
  const name = intern.of(metadata.name ?? '')
  const cluster = spec?.clusterIPs ?? [spec?.clusterIP]
  const balancer = status?.loadBalancer?.ingress?.map(({ ip }) => ip) ?? []
  const all = [...cluster, ...(spec?.externalIPs ?? []), ...balancer]
  return {
    key: serviceKey(namespace, name),
    namespace,
    name,
    ips: [...new Set(all.flatMap(ip => canonical(ip) ?? []))],
    ports: (spec?.ports ?? []).flatMap(portFacts),
  }
}

function serviceKey(namespace: string, name: string): string {
  return `service/${namespace}/${name}`
}

function portFacts({ port, protocol = 'TCP' }: { port?: number; protocol?: string }): ServicePort[] {
  const known = protocol === 'TCP' || protocol === 'UDP' || protocol === 'SCTP'
  return known && port !== undefined ? [{ protocol, port }] : []
}
