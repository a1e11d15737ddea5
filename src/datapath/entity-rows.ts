/**
 * entity-rows.ts - the rows of entities: what each stands for, under a number that outlives the world that named it.
 *
 * In:    a World, and later others.
 * Out:   rows by number; which of them the identities and endpoints of the last world have.
 *        Equal contents keep their row from world to world, so numbers in the kernel and in memos stay true.
 * Never: changes a row, but where it is `reused`: rows that no world names any more stay, for records that come late,
 *        until there are more than MOST_GONE; then the one that is gone longest is given away.
 */
import { nameOf, RESERVED } from './identity.js'
import type { World, WorldEndpoint } from './world.js'

export interface Row {
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
}

/** Rows of one world. */
export interface WorldRows {
  /** By identity number. */
  readonly identities: ReadonlyMap<number, number>
  /** In the order of the world's endpoints. */
  readonly endpoints: readonly number[]
}

/** About 20 MB. No connection of a pod outlives its deletion by that many others. */
const MOST_GONE = 65_536
const NOWHERE = { app: '', service: '', node: '', zone: '' } as const
const NO_LABELS: readonly string[] = []

export class EntityRows {
  /** Times that a row was given to another. */
  reused = 0
  readonly rows: Row[] = []
  readonly #mostGone: number
  /** Named by no world now; the longest first. */
  readonly #gone = new Set<number>()

  /** `mostGone`: for tests. */
  constructor(mostGone = MOST_GONE) {
    this.#mostGone = mostGone
  }

  /** Rows of a world. Row 0 is unknown, and 1 to 10 are the other reserved identities in the first world. */
  take(world: World): WorldRows {
    const free = this.#byContent()
    const used = new Set<number>([0])
    const claim = (row: Row): number => {
      const number = free.get(content(row))?.shift() ?? this.#add(row, free)
      this.#gone.delete(number)
      used.add(number)
      return number
    }
    const identities = new Map<number, number>()
    for (const identity of identitiesOf(world)) {
      // Row 0 is what every look-up that finds nothing answers: it stays, whatever the world says of identity 0.
      const known = identity === 0 && this.rows.length > 0
      if (!identities.has(identity)) identities.set(identity, known ? 0 : claim(identityRow(identity, world)))
    }
    const endpoints = world.endpoints.map(endpoint => claim(endpointRow(endpoint, world)))
    for (let row = 0; row < this.rows.length; row++) if (!used.has(row)) this.#gone.add(row)
    return { identities, endpoints }
  }

  /** Pods of the last world by `namespace/pod`. */
  pods(): Map<string, Row> {
    const named = this.rows.filter((row, number) => row.pod !== '' && !this.#gone.has(number))
    return new Map(named.map(row => [`${row.namespace}/${row.pod}`, row]))
  }

  #add(row: Row, free: Map<string, number[]>): number {
    if (this.#gone.size <= this.#mostGone) return this.rows.push(row) - 1
    const number = this.#gone.values().next().value!
    const same = free.get(content(this.rows[number]!))
    same?.splice(same.indexOf(number), 1)
    this.rows[number] = row
    this.reused++
    return number
  }

  /** Numbers of each content: what is told apart by nothing may be twice. */
  #byContent(): Map<string, number[]> {
    const all = new Map<string, number[]>()
    for (const [number, row] of this.rows.entries()) {
      if (number === 0) continue
      const key = content(row)
      const same = all.get(key)
      if (same === undefined) all.set(key, [number])
      else same.push(number)
    }
    return all
  }
}

function content(row: Row): string {
  const { identity, endpoint, namespace, pod, workload, workloadKind, app, service, node, zone, labels } = row
  return JSON.stringify([identity, endpoint, namespace, pod, workload, workloadKind, app, service, node, zone, labels])
}

function identitiesOf(world: World): number[] {
  return [
    ...RESERVED.keys(),
    ...Object.keys(world.identities).map(Number),
    ...Object.values(world.cidrs),
    ...world.endpoints.map(endpoint => endpoint.identity),
  ]
}

function identityRow(identity: number, world: World): Row {
  const labels = world.identities[identity] ?? NO_LABELS
  return { identity, endpoint: 0, ...nameOf(identity, labels), pod: '', workloadKind: '', ...NOWHERE, labels }
}

function endpointRow(endpoint: WorldEndpoint, world: World): Row {
  const { identity, pod } = endpoint
  const labels = world.identities[identity] ?? NO_LABELS
  const byLabels = nameOf(identity, labels)
  return {
    identity,
    endpoint: endpoint.local ? endpoint.id : 0,
    namespace: endpoint.namespace || byLabels.namespace,
    pod,
    workload: endpoint.workload?.name || pod || byLabels.workload,
    workloadKind: endpoint.workload?.kind ?? '',
    app: endpoint.app,
    service: endpoint.service,
    node: endpoint.node,
    zone: endpoint.zone,
    labels,
  }
}
