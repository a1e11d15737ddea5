// SPDX-License-Identifier: Apache-2.0
/**
 * endpoint.ts - the source or destination of a flow, from its address and the identity in the record.
 *
 * In:    a Resolver; an address as text ('' without a packet); an identity, 0 if the record has none.
 * Out:   the flow's Endpoint. The record's identity wins over the resolver's. A local endpoint keeps its own labels;
 *        any other endpoint gets the labels of the identity that won.
 * Never: returns a private copy: equal queries share one object, so callers must not change it. The cache holds at most
 *        MAX_CACHED endpoints of about 300 bytes; it is cleared when it is full or the resolver changes.
 */

import { clusterOf, isLocalScope, withLongestCidr } from '../../datapath/identity/identity.js'
import type { Endpoint } from './flow.js'
import type { LocalEndpoint, Resolver } from './resolver.js'

const MAX_CACHED = 65_536

export class EndpointResolver {
  readonly #resolver: Resolver
  readonly #cache = new Map<string, Map<number, Endpoint>>()
  #cached = 0
  #version: number

  constructor(resolver: Resolver) {
    this.#resolver = resolver
    this.#version = resolver.version
  }

  resolve(ip: string, identity: number): Endpoint {
    if (this.#version !== this.#resolver.version || this.#cached >= MAX_CACHED) this.#clear()
    let byIdentity = this.#cache.get(ip)
    if (byIdentity === undefined) {
      byIdentity = new Map()
      this.#cache.set(ip, byIdentity)
    }
    let endpoint = byIdentity.get(identity)
    if (endpoint === undefined) {
      endpoint = this.#lookUp(ip, identity)
      byIdentity.set(identity, endpoint)
      this.#cached++
    }
    return endpoint
  }

  /** By endpoint id, as in debug messages. Undefined for 0; an endpoint that is not on this node has only its id. */
  byId(id: number): Endpoint | undefined {
    if (id === 0) return undefined
    const local = this.#resolver.localEndpointById(id)
    return local === undefined ? { ID: id } : localEndpointMessage(local, 0)
  }

  #lookUp(ip: string, identity: number): Endpoint {
    const local = this.#resolver.localEndpoint(ip)
    if (local !== undefined) return localEndpointMessage(local, identity)
    const number = identity || this.#resolver.identity(ip)
    const labels = this.#resolver.labels(number)
    const { namespace = '', pod = '' } = this.#resolver.pod(ip) ?? {}
    return endpointMessage(0, number, clusterOf(labels), namespace, labels, pod)
  }

  #clear(): void {
    this.#cache.clear()
    this.#cached = 0
    this.#version = this.#resolver.version
  }
}

function localEndpointMessage(local: LocalEndpoint, identity: number): Endpoint {
  const { id, labels, namespace, pod, workload } = local
  const endpoint = endpointMessage(id, identity || local.identity, clusterOf(labels), namespace, labels, pod)
  if (workload !== undefined) endpoint.workloads = [workload]
  return endpoint
}

function endpointMessage(
  id: number,
  identity: number,
  cluster: string,
  namespace: string,
  labels: readonly string[],
  pod: string,
): Endpoint {
  const endpoint: Endpoint = {}
  if (id !== 0) endpoint.ID = id
  if (identity !== 0) endpoint.identity = identity
  if (cluster !== '') endpoint.cluster_name = cluster
  if (namespace !== '') endpoint.namespace = namespace
  const shown = isLocalScope(identity) ? withLongestCidr(labels) : labels
  if (shown.length > 0) endpoint.labels = shown
  if (pod !== '') endpoint.pod_name = pod
  return endpoint
}
