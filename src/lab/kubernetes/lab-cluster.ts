// SPDX-License-Identifier: Apache-2.0
/**
 * lab-cluster.ts - serves a lab's pods as objects of a cluster from a fake API server.
 *
 * In:    the lab's pods, as they are added and removed.
 * Out:   an API server with the same content as the lab's inventory file, and credentials for it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GATEWAY, NODE, type PodSpec } from '../plan.js'
import { ApiServer } from './api-server.js'
import type { StoredObject } from './object-store.js'

export const LAB_NODE = 'lab-node'
export const LAB_ZONE = 'lab-zone'
const PODS = '/api/v1/pods'
const NODES = '/api/v1/nodes'
const NAMESPACES = '/api/v1/namespaces'
/** The hash of every pod template: templates never change here. */
const HASH = '5d8f7c9b6d'

/** The properties of a lab's pod that the API shows. */
export interface LabPod {
  readonly spec: PodSpec
  readonly ipv4: string
  readonly ipv6: string
}

/** Access to the API as in a pod, with the files that the kubelet mounts. */
export interface Account {
  readonly host: string
  readonly port: string
  readonly directory: string
}

export class LabCluster {
  readonly api: ApiServer
  readonly account: Account

  private constructor(api: ApiServer) {
    this.api = api
    const directory = mkdtempSync(join(tmpdir(), 'weir-lab-'))
    writeFileSync(join(directory, 'ca.crt'), api.authority)
    writeFileSync(join(directory, 'token'), api.token, { mode: 0o600 })
    this.account = { host: '127.0.0.1', port: String(api.port), directory }
  }

  static async start(pods: readonly LabPod[]): Promise<LabCluster> {
    const api = new ApiServer()
    await api.start()
    const cluster = new LabCluster(api)
    api.store.put(NODES, labNode())
    for (const pod of pods) cluster.put(pod)
    return cluster
  }

  /** Adds or updates a pod. */
  put(pod: LabPod): StoredObject {
    const { namespace } = pod.spec
    const known = this.api.store.list(NAMESPACES).some(({ metadata }) => metadata.name === namespace)
    if (!known) this.api.store.put(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
    return this.api.store.put(PODS, podObject(pod))
  }

  remove({ spec: { name, namespace } }: LabPod): void {
    this.api.store.delete(PODS, name, namespace)
  }

  async stop(): Promise<void> {
    await this.api.stop()
    rmSync(this.account.directory, { recursive: true, force: true })
  }
}

function labNode(): StoredObject {
  const addresses = [NODE, GATEWAY].flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6])
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: LAB_NODE, labels: { 'topology.kubernetes.io/zone': LAB_ZONE } },
    spec: {},
    status: { addresses: addresses.map(address => ({ type: 'InternalIP', address })) },
  }
}

function podObject({ spec, ipv4, ipv6 }: LabPod): StoredObject {
  const { name, namespace, workload, kind = 'Deployment', labels = {} } = spec
  const deployed = kind === 'Deployment'
  const owner = deployed ? { kind: 'ReplicaSet', name: `${workload}-${HASH}` } : { kind, name: workload }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      generateName: `${owner.name}-`,
      labels: { app: workload, ...(deployed && { 'pod-template-hash': HASH }), ...labels },
      ownerReferences: [{ apiVersion: 'apps/v1', ...owner, uid: `${namespace}-${workload}`, controller: true }],
    },
    spec: { nodeName: LAB_NODE, containers: [{ name: 'main', image: 'lab' }] },
    status: {
      phase: 'Running',
      startTime: new Date().toISOString(),
      podIP: ipv4,
      podIPs: [{ ip: ipv4 }, { ip: ipv6 }],
    },
  }
}
