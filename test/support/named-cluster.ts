/**
 * named-cluster.ts - a fake API server, Weir's watch on it over TLS, and the names that result.
 *
 * In:    objects put into `api.store`; faults.
 * Out:   the owner of each address, by a plain implementation of the rules in entity-changes.ts.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { EndpointFacts, EntityChanges } from '../../src/datapath/identity/entity-changes.js'
import type { ResourceName } from '../../src/kubernetes/object/resource.js'
import { ClusterWatch } from '../../src/kubernetes/watch/cluster-watch.js'
import type { KubernetesOptions } from '../../src/kubernetes/watch/message.js'
import { ServiceAccount } from '../../src/kubernetes/watch/service-account.js'
import type { WatchState } from '../../src/kubernetes/watch/watch-state.js'
import { ApiServer, type ApiServerOptions } from '../../src/lab/kubernetes/api-server.js'
import type { StoredObject } from '../../src/lab/kubernetes/object-store.js'
import { until } from './until.js'

/** The state after batches of changes. */
export class Names {
  readonly byKey = new Map<string, EndpointFacts>()
  readonly byIp = new Map<string, string>()
  readonly labels = new Map<number, readonly string[]>()
  batches = 0
  synced = false

  apply({ identities, removals, upserts, forgotten, synced }: EntityChanges): void {
    this.batches++
    for (const { identity, labels } of identities) this.labels.set(identity, labels)
    for (const key of removals) {
      for (const [ip, owner] of this.byIp) if (owner === key) this.byIp.delete(ip)
      this.byKey.delete(key)
    }
    for (const facts of upserts) {
      for (const [ip, owner] of this.byIp) if (owner === facts.key && !facts.ips.includes(ip)) this.byIp.delete(ip)
      for (const ip of facts.ips) this.byIp.set(ip, facts.key)
      this.byKey.set(facts.key, facts)
    }
    for (const identity of forgotten) this.labels.delete(identity)
    this.synced ||= synced
  }

  at(ip: string): EndpointFacts | undefined {
    return this.byKey.get(this.byIp.get(ip) ?? '')
  }

  /** namespace/pod, or the key of another endpoint; '' if the address has no owner. */
  nameAt(ip: string): string {
    const facts = this.at(ip)
    if (facts === undefined) return ''
    return facts.kind === 'pod' ? `${facts.namespace}/${facts.pod}` : facts.key
  }
}

export interface NamedCluster {
  readonly api: ApiServer
  readonly names: Names
  readonly watch: ClusterWatch
  /** The folder with token and authority, as the kubelet mounts it. */
  readonly account: string
  state(name: ResourceName): WatchState
  /** Waits until an address has this name. */
  named(ip: string, name: string): Promise<void>
  /** All requests for a path. */
  requests(path: string): ApiServer['requests']
}

/** Short delays: tests check the order of events, not durations. */
export const QUICK = { retryMs: 20, listIdleMs: 2_000, watchIdleMs: 2_000 } as const

export interface NamedOptions extends ApiServerOptions {
  readonly times?: KubernetesOptions['times']
  readonly cilium?: KubernetesOptions['cilium']
  /** Called before the watch starts. */
  prepare?(api: ApiServer): void
}

/** Starts both for the duration of the test. */
export async function namedCluster(t: Test, options: NamedOptions = {}): Promise<NamedCluster> {
  const api = await startedApi(t, options)
  options.prepare?.(api)
  const account = serviceAccount(t, api)
  const names = new Names()
  const settings: KubernetesOptions = {
    nodeName: 'node-1',
    cilium: options.cilium ?? 'never',
    requireSync: true,
    userAgent: 'weir-test',
    times: options.times ?? QUICK,
  }
  const access = new ServiceAccount('127.0.0.1', String(api.port), account)
  const take = (changes: EntityChanges) => {
    names.apply(changes)
    setImmediate(() => watch.applied())
  }
  const watch = new ClusterWatch(access, settings, take, () => undefined)
  const running = watch.run()
  t.teardown(async () => {
    watch.stop()
    await running
  })
  return {
    api,
    names,
    watch,
    account,
    state: name => watch.state.watches.find(state => state.name === name)!,
    async named(ip, name) {
      await until(`${ip} is ${name}, not ${names.nameAt(ip)}`, () => names.nameAt(ip) === name)
    },
    requests: path => api.requests.filter(request => request.path === path),
  }
}

export async function startedApi(t: Test, options: ApiServerOptions = {}): Promise<ApiServer> {
  const api = new ApiServer(options)
  await api.start()
  t.teardown(() => api.stop())
  return api
}

export function serviceAccount(t: Test, api: ApiServer): string {
  const directory = mkdtempSync(join(tmpdir(), 'weir-account-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, 'ca.crt'), api.authority)
  writeFileSync(join(directory, 'token'), `${api.token}\n`)
  return directory
}

export const PODS = '/api/v1/pods'
export const NODES = '/api/v1/nodes'
export const SERVICES = '/api/v1/services'
export const SLICES = '/apis/discovery.k8s.io/v1/endpointslices'
export const NAMESPACES = '/api/v1/namespaces'

interface PodOptions {
  readonly ips?: readonly string[]
  readonly node?: string
  readonly uid?: string
  readonly phase?: string
  readonly hostNetwork?: boolean
  readonly labels?: Record<string, string>
  readonly annotations?: Record<string, string>
  /** Controller `Kind/name`; the pod then has a generateName. */
  readonly owner?: string
  readonly startTime?: string
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
}

/** A Pod `namespace/name` as in the API. */
export function pod(path: string, options: PodOptions = {}): StoredObject {
  const [namespace = '', name = ''] = path.split('/')
  const { ips = [], node = 'node-1', uid, phase = 'Running', hostNetwork, owner, startTime, ...metadata } = options
  const [kind = '', controller = ''] = owner?.split('/') ?? []
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      ...(uid && { uid }),
      ...metadata,
      ...(owner && {
        generateName: `${controller}-`,
        ownerReferences: [{ apiVersion: 'apps/v1', kind, name: controller, uid: 'owner', controller: true }],
      }),
    },
    spec: { nodeName: node, ...(hostNetwork && { hostNetwork }) },
    status: {
      phase,
      ...(startTime && { startTime }),
      ...(ips.length > 0 && { podIP: ips[0], podIPs: ips.map(ip => ({ ip })) }),
    },
  }
}

export function node(name: string, ips: readonly string[], zone?: string, podCIDRs?: readonly string[]): StoredObject {
  const addresses = [...ips.map(address => ({ type: 'InternalIP', address })), { type: 'Hostname', address: name }]
  const labels = zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone }
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
    spec: podCIDRs === undefined ? {} : { podCIDR: podCIDRs[0], podCIDRs },
    status: { addresses },
  }
}

export function service(path: string, clusterIPs: readonly string[], spec: object = {}): StoredObject {
  const [namespace = '', name = ''] = path.split('/')
  const ports = [{ port: 80, protocol: 'TCP' }]
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { clusterIP: clusterIPs[0], clusterIPs, ports, ...spec },
  }
}

/** `backends`: addresses, with the uid where the backend is a pod. */
export function slice(path: string, of: string, backends: readonly { ip: string; uid?: string }[]): StoredObject {
  const [namespace = '', name = ''] = path.split('/')
  const endpoints = backends.map(({ ip, uid }) => ({
    addresses: [ip],
    ...(uid && { targetRef: { kind: 'Pod', uid } }),
  }))
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace, labels: { 'kubernetes.io/service-name': of } },
    endpoints,
  }
}

export function namespace(name: string, labels: Record<string, string> = {}): StoredObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }
}
