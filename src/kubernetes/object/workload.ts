// SPDX-License-Identifier: Apache-2.0
/**
 * workload.ts - derives the workload of a pod from the pod alone.
 *
 * In:    name, generateName, labels, annotations and owners of a pod.
 * Out:   kind and name of its workload, by Hubble's rules (pkg/k8s/utils/workload.go of Cilium 1.19) and by Weir's. The rules use
 *        names and labels, so the watch needs neither ReplicaSets nor Jobs.
 */
import type { Workload } from '../../datapath/identity/workload.js'
import type { Owner } from './api-object.js'

export interface OwnedObject {
  readonly name?: string
  readonly generateName?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly Owner[]
}

const OF_CRON_JOB = /^(.+)-\d{8,10}$/
const MIRROR = 'kubernetes.io/config.mirror'
const TEMPLATE_HASH = 'pod-template-hash'
/** Set by Argo Rollouts on the pods of its ReplicaSets. */
const ROLLOUT_HASH = 'rollouts-pod-template-hash'

/** The workload as Hubble names it: none for a pod without a generateName. */
export function hubbleWorkload(pod: OwnedObject): Workload | undefined {
  const owner = controllerOf(pod)
  return owner === undefined || !pod.generateName ? undefined : byOwner(owner, pod.labels ?? {})
}

/**
 * The workload as weir_* names it: as Hubble does, with more cases: a Rollout instead of its ReplicaSet, pods with a controller
 * but no generateName, and static pods, by their name without the node.
 */
export function weirWorkload(pod: OwnedObject): Workload | undefined {
  const owner = controllerOf(pod)
  if (owner?.kind === 'Node' || pod.annotations?.[MIRROR] !== undefined) return staticPod(pod, owner)
  if (owner === undefined) return undefined
  const hash = pod.labels?.[ROLLOUT_HASH]
  if (owner.kind === 'ReplicaSet' && hash && owner.name.endsWith(`-${hash}`)) {
    return { kind: 'Rollout', name: owner.name.slice(0, -hash.length - 1) }
  }
  return byOwner(owner, pod.labels ?? {})
}

function byOwner({ kind, name }: Owner, labels: Readonly<Record<string, string>>): Workload {
  const hash = labels[TEMPLATE_HASH]
  if (kind === 'ReplicaSet' && hash && name.endsWith(hash)) {
    return { kind: 'Deployment', name: name.endsWith(`-${hash}`) ? name.slice(0, -hash.length - 1) : name }
  }
  const config = labels.deploymentconfig
  if (kind === 'ReplicationController' && config) return { kind: 'DeploymentConfig', name: config }
  const cronJob = kind === 'Job' ? OF_CRON_JOB.exec(name)?.[1] : undefined
  return cronJob === undefined ? { kind, name } : { kind: 'CronJob', name: cronJob }
}

/** The kubelet names a static pod NAME-NODE. */
function staticPod({ name = '' }: OwnedObject, node: Owner | undefined): Workload {
  const suffix = `-${node?.name ?? ''}`
  return { kind: 'StaticPod', name: node !== undefined && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name }
}

function controllerOf({ ownerReferences }: OwnedObject): Owner | undefined {
  return ownerReferences?.find(owner => owner.controller === true)
}
