// SPDX-License-Identifier: Apache-2.0
/**
 * resolver.ts - the look-ups that a flow needs: pods, identities, Services, DNS names, interfaces, cgroups.
 *
 * In:    addresses as Hubble prints them (RFC 5952, dotted for IPv4); '' is no address and has no owner.
 * Out:   the answer as of now; `version` changes when an answer may have changed.
 * Never: throws, or waits.
 */

import type { Workload } from '../../datapath/identity/workload.js'
import type { Service } from './flow.js'

/** A pod on this node. */
export interface LocalEndpoint {
  readonly id: number
  readonly identity: number
  readonly namespace: string
  readonly pod: string
  /** `source:key=value`, sorted. */
  readonly labels: readonly string[]
  readonly workload: Workload | undefined
}

export interface PodName {
  readonly namespace: string
  readonly pod: string
}

export interface Resolver {
  readonly version: number
  localEndpoint(ip: string): LocalEndpoint | undefined
  localEndpointById(id: number): LocalEndpoint | undefined
  /** Of the address, else of its longest prefix; 0 if neither is known. */
  identity(ip: string): number
  /** The pod with exactly this address, on any node. */
  pod(ip: string): PodName | undefined
  /** Sorted; empty for an unknown identity. */
  labels(identity: number): readonly string[]
  service(ip: string, port: number): Service | undefined
  /** DNS names of the address; sorted, without the trailing dot. */
  names(ip: string): readonly string[]
  /** '' when unknown. */
  linkName(ifindex: number): string
  /** Address of the pod that owns the cgroup (u64, decimal), of that family. */
  cgroupAddress(cgroup: string, ipv6: boolean): string | undefined
}
