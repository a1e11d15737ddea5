/**
 * workload.ts - the workload of a pod, from the pod alone.
 *
 * In:    name, generateName, labels, annotations and owners of a pod.
 * Out:   kind and name of what controls it, by Hubble's rules (spec/hubble-flows.md section 8) and by Weir's.
 *        The rules read names and labels, so the watch needs neither ReplicaSets nor Jobs.
 */
import type { Workload } from '../../hubble/flow/flow.js'
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
/** Argo Rollouts' own, on pods whose ReplicaSet a Rollout made. */
const ROLLOUT_HASH = 'rollouts-pod-template-hash'

/** As Hubble names it: a pod that was made under its own name has none. */
export function hubbleWorkload(pod: OwnedObject): Workload | undefined {
  const owner = controllerOf(pod)
  return owner === undefined || !pod.generateName ? undefined : byOwner(owner, pod.labels ?? {})
}

/**
 * As weir_* names it: as Hubble does, and where Hubble stops early: a Rollout rather than its ReplicaSet, pods with
 * a controller but a name of their own, and static pods, by their name on every node.
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
