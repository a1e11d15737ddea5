/**
 * row-columns.ts - the rows of entities, a column a name.
 *
 * Out:   one name of a row, or all of it as an object that is made when it is asked for.
 * Never: answers for a number that is no row's, as damaged bytes may hold, otherwise than for row 0.
 */
import type { EndpointKind } from './entity-changes.js'
import type { Workload } from './flow.js'

export interface Row {
  readonly kind: EndpointKind | 'identity'
  readonly identity: number
  /** Endpoint id, local endpoints only, else 0. */
  readonly endpoint: number
  readonly namespace: string
  readonly pod: string
  readonly workload: string
  readonly workloadKind: string
  /** Of the labels that name an application, the first that a pod has; '' without. */
  readonly app: string
  /** A service's own name; a pod's: the first by name of those whose backend it is. */
  readonly service: string
  /** The node that it runs on; a node's own name. */
  readonly node: string
  readonly zone: string
  readonly labels: readonly string[]
  /** On this node. */
  readonly local: boolean
  /** As Hubble names it, pods only. */
  readonly hubbleWorkload: Workload | undefined
}

export class RowColumns {
  readonly kind: Row['kind'][] = []
  readonly identity: Row['identity'][] = []
  readonly endpoint: Row['endpoint'][] = []
  readonly namespace: Row['namespace'][] = []
  readonly pod: Row['pod'][] = []
  readonly workload: Row['workload'][] = []
  readonly workloadKind: Row['workloadKind'][] = []
  readonly app: Row['app'][] = []
  readonly service: Row['service'][] = []
  readonly node: Row['node'][] = []
  readonly zone: Row['zone'][] = []
  readonly labels: Row['labels'][] = []
  readonly local: Row['local'][] = []
  readonly hubbleWorkload: Row['hubbleWorkload'][] = []

  get length(): number {
    return this.kind.length
  }

  /** The number, if it is a row's; else 0. */
  known(number: number): number {
    return number < this.kind.length ? number : 0
  }

  /** `number`: a row's, or the next. */
  set(number: number, row: Row): void {
    this.kind[number] = row.kind
    this.identity[number] = row.identity
    this.endpoint[number] = row.endpoint
    this.namespace[number] = row.namespace
    this.pod[number] = row.pod
    this.workload[number] = row.workload
    this.workloadKind[number] = row.workloadKind
    this.app[number] = row.app
    this.service[number] = row.service
    this.node[number] = row.node
    this.zone[number] = row.zone
    this.labels[number] = row.labels
    this.local[number] = row.local
    this.hubbleWorkload[number] = row.hubbleWorkload
  }

  row(number: number): Row {
    const at = this.known(number)
    return {
      kind: this.kind[at]!,
      identity: this.identity[at]!,
      endpoint: this.endpoint[at]!,
      namespace: this.namespace[at]!,
      pod: this.pod[at]!,
      workload: this.workload[at]!,
      workloadKind: this.workloadKind[at]!,
      app: this.app[at]!,
      service: this.service[at]!,
      node: this.node[at]!,
      zone: this.zone[at]!,
      labels: this.labels[at]!,
      local: this.local[at]!,
      hubbleWorkload: this.hubbleWorkload[at],
    }
  }
}
