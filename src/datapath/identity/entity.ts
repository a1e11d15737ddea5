// SPDX-License-Identifier: Apache-2.0
/**
 * entity.ts - an endpoint's names as they appear in series.
 *
 * In:    facts about an endpoint, and the labels of its identity.
 * Out:   an Entity. A pod without a workload is its own workload; without a name it gets those of its identity.
 */
import type { EndpointFacts } from './entity-changes.js'
import type { Entity } from './entity-columns.js'
import { nameOf } from './identity.js'

const NOWHERE = { app: '', service: '', node: '', zone: '', local: false, hubbleWorkload: undefined } as const
const CIDR = 'cidr/'

export function identityEntity(identity: number, labels: readonly string[]): Entity {
  const names = nameOf(identity, labels)
  return { kind: 'identity', identity, endpoint: 0, ...names, pod: '', workloadKind: '', ...NOWHERE, labels }
}

export function entityOf(facts: EndpointFacts, labels: readonly string[]): Entity {
  const { kind, identity, pod, app, service, node, zone, local } = facts
  const byLabels = nameOf(identity, labels)
  return {
    kind,
    identity,
    endpoint: local ? facts.endpoint : 0,
    namespace: facts.namespace || byLabels.namespace,
    pod,
    workload: workloadOf(facts) || byLabels.workload,
    workloadKind: kind === 'service' ? 'Service' : (facts.workload?.kind ?? ''),
    app,
    service,
    node,
    zone,
    labels,
    local,
    hubbleWorkload: facts.hubbleWorkload === undefined ? facts.workload : (facts.hubbleWorkload ?? undefined),
  }
}

/** '' for nodes and the API server, which are named by their identity. */
function workloadOf({ kind, key, pod, service, workload }: EndpointFacts): string {
  if (kind === 'service') return service
  if (kind === 'cidr') return key.slice(CIDR.length)
  return workload?.name || pod
}

/** Whether series and flows get the same names from both. */
export function isSameEntity(a: Entity, b: Entity): boolean {
  return (
    a.kind === b.kind &&
    a.identity === b.identity &&
    a.endpoint === b.endpoint &&
    a.namespace === b.namespace &&
    a.pod === b.pod &&
    a.workload === b.workload &&
    a.workloadKind === b.workloadKind &&
    a.app === b.app &&
    a.service === b.service &&
    a.node === b.node &&
    a.zone === b.zone &&
    a.local === b.local &&
    a.hubbleWorkload?.name === b.hubbleWorkload?.name &&
    a.hubbleWorkload?.kind === b.hubbleWorkload?.kind &&
    isSameList(a.labels, b.labels)
  )
}

export function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((text, i) => text === b[i]))
}
