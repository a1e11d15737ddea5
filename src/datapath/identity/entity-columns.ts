// SPDX-License-Identifier: Apache-2.0
/**
 * entity-columns.ts - the names of all entities, in one column for each name.
 *
 * Out:   one name of an entity, or all of them as an object built on demand.
 * Never: fails on an id that was never allocated, as damaged records may contain: it gets the names of id 0. A pod takes
 *        64 bytes and the bytes of its name, which the garbage collector does not visit.
 */

import { ENDPOINT_KINDS, type EndpointKind } from './entity-changes.js'
import { NumberColumn } from './number-column.js'
import { SharedColumn } from './shared-column.js'
import { TextColumn } from './text-column.js'
import type { Workload } from './workload.js'

export interface Entity {
  readonly kind: EndpointKind | 'identity'
  readonly identity: number
  /** Endpoint id, local endpoints only, else 0. */
  readonly endpoint: number
  readonly namespace: string
  readonly pod: string
  readonly workload: string
  readonly workloadKind: string
  /** Value of the pod's first application label; '' without one. */
  readonly app: string
  /** A Service's own name; of a pod the first Service, by name, that has it as a backend. */
  readonly service: string
  /** Node that it runs on; a node's own name. */
  readonly node: string
  readonly zone: string
  readonly labels: readonly string[]
  /** On this node. */
  readonly local: boolean
  /** As Hubble names it, pods only. */
  readonly hubbleWorkload: Workload | undefined
}

const KINDS: readonly Entity['kind'][] = ['identity', ...ENDPOINT_KINDS]

export class EntityColumns {
  /** All ids are below this. */
  length = 1
  readonly identity = new NumberColumn()
  readonly endpoint = new NumberColumn()
  readonly namespace: SharedColumn<string>
  readonly pod = new TextColumn()
  readonly workload: SharedColumn<string>
  readonly workloadKind: SharedColumn<string>
  readonly app: SharedColumn<string>
  readonly service: SharedColumn<string>
  readonly node: SharedColumn<string>
  readonly zone: SharedColumn<string>
  readonly labels: SharedColumn<readonly string[]>
  readonly #kinds = new NumberColumn()
  readonly #locals = new NumberColumn()
  readonly #hubbleWorkload: SharedColumn<Workload | undefined>

  /** `zero`: the permanent names of id 0, identity 0, for which columns of numbers have zeros. */
  constructor(zero: Entity) {
    this.namespace = new SharedColumn(zero.namespace)
    this.workload = new SharedColumn(zero.workload)
    this.workloadKind = new SharedColumn(zero.workloadKind)
    this.app = new SharedColumn(zero.app)
    this.service = new SharedColumn(zero.service)
    this.node = new SharedColumn(zero.node)
    this.zone = new SharedColumn(zero.zone)
    this.labels = new SharedColumn(zero.labels)
    this.#hubbleWorkload = new SharedColumn(zero.hubbleWorkload, workloadKey)
  }

  kind(number: number): Entity['kind'] {
    return KINDS[this.#kinds.at(number)]!
  }

  /** A pod or node of this node. */
  local(number: number): boolean {
    return this.#locals.at(number) === 1
  }

  /** `number`: an id in use, or the next one. */
  set(number: number, row: Entity): void {
    this.length = Math.max(this.length, number + 1)
    this.#kinds.set(number, KINDS.indexOf(row.kind))
    this.identity.set(number, row.identity)
    this.endpoint.set(number, row.endpoint)
    this.namespace.set(number, row.namespace)
    this.pod.set(number, row.pod)
    this.workload.set(number, row.workload)
    this.workloadKind.set(number, row.workloadKind)
    this.app.set(number, row.app)
    this.service.set(number, row.service)
    this.node.set(number, row.node)
    this.zone.set(number, row.zone)
    this.labels.set(number, row.labels)
    this.#locals.set(number, Number(row.local))
    this.#hubbleWorkload.set(number, row.hubbleWorkload)
  }

  row(number: number): Entity {
    return {
      kind: this.kind(number),
      identity: this.identity.at(number),
      endpoint: this.endpoint.at(number),
      namespace: this.namespace.at(number),
      pod: this.pod.at(number),
      workload: this.workload.at(number),
      workloadKind: this.workloadKind.at(number),
      app: this.app.at(number),
      service: this.service.at(number),
      node: this.node.at(number),
      zone: this.zone.at(number),
      labels: this.labels.at(number),
      local: this.local(number),
      hubbleWorkload: this.#hubbleWorkload.at(number),
    }
  }
}

function workloadKey(workload: Workload | undefined): string {
  return workload === undefined ? '' : `${workload.kind}/${workload.name}`
}
