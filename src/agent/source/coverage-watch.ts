// SPDX-License-Identifier: Apache-2.0
/**
 * coverage-watch.ts - pods of this node without a watched interface: their packets are not counted at a pod's interface.
 *
 * In:    the pods and whether an interface is theirs.
 * Out:   one log line for the pods that are newly without one, after a time that a new pod may take; a status line.
 */
import type { PodInterfaces } from '../../datapath/source/pod-interfaces.js'
import type { LineLog } from '../../lib/log-limit.js'

const CHECK_MS = 10_000
/** A pod's object has its address before the node's interface is followed, and outlives the interface. */
const PATIENCE_MS = 60_000
/** Names on a line. */
const SHOWN = 10

export class CoverageWatch {
  readonly #pods: PodInterfaces
  readonly #remedy: () => string | undefined
  readonly #log: LineLog
  readonly #timer: NodeJS.Timeout
  /** Since when each pod is uncovered; NaN once it is logged. */
  readonly #since = new Map<string, number>()

  /** `remedy`: what an operator can do for pods without an interface of the node. */
  constructor(pods: PodInterfaces, remedy: () => string | undefined, log: LineLog) {
    this.#pods = pods
    this.#remedy = remedy
    this.#log = log
    this.#timer = setInterval(() => this.check(performance.now()), CHECK_MS).unref()
  }

  check(nowMs: number): void {
    const uncovered = this.#pods.coverage().uncovered
    for (const pod of this.#since.keys()) if (!uncovered.includes(pod)) this.#since.delete(pod)
    const late: string[] = []
    for (const pod of uncovered) {
      const since = this.#since.get(pod) ?? nowMs
      const isLate = nowMs - since >= PATIENCE_MS
      if (isLate) late.push(pod)
      this.#since.set(pod, isLate ? Number.NaN : since)
    }
    if (late.length === 0) return
    const remedy = this.#remedy()
    const fields = { pods: late.length, first: late.slice(0, SHOWN), ...(remedy !== undefined && { remedy }) }
    this.#log.warn(fields, 'pods have no watched interface: not counted')
  }

  /** `12 of 12`, and the names of those without an interface. */
  get status(): string {
    const { local, covered, uncovered } = this.#pods.coverage()
    const names = uncovered.length === 0 ? '' : `; no interface: ${uncovered.slice(0, SHOWN).join(', ')}`
    return `${covered} of ${local}${names}`
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
