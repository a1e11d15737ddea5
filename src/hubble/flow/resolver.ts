/**
 * resolver.ts - what a flow needs to know of the world: who, where, under which name.
 *
 * In:    addresses as Hubble prints them (RFC 5952, dotted for IPv4); '' is no address and nobody's.
 * Out:   the world as of now; `version` changes when an answer may.
 * Never: throws, or waits.
 */
import type { Service, Workload } from './flow.js'

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
  /** By the address itself, else by the longest prefix; 0 when neither is known. */
  identity(ip: string): number
  /** The pod of exactly this address, on whatever node. */
  pod(ip: string): PodName | undefined
  /** Sorted; none for an identity that nobody knows. */
  labels(identity: number): readonly string[]
  service(ip: string, port: number): Service | undefined
  /** Names that DNS gave for the address; sorted, without the trailing dot. */
  names(ip: string): readonly string[]
  /** '' when unknown. */
  linkName(ifindex: number): string
  /** Address of the pod that owns the cgroup (u64, decimal), of that family. */
  cgroupAddress(cgroup: string, ipv6: boolean): string | undefined
}
