/**
 * deleted-pods.ts - pods that are gone, and when their series may go, too.
 *
 * In:    deletions, and the time in milliseconds; pods that came back.
 * Out:   pods whose time has come; which series name one of them by namespace and pod.
 * Never: holds more than MOST: what is too many keeps its series, and `refused` counts it.
 */

/** Kubernetes allows 500 pods a node at most; this many deletions a minute are no pods. About 10 MB. */
const MAX_PENDING = 65_536
const SIDES = ['source', 'destination'] as const

type Labels = Readonly<Record<string, string>>

export interface PodId {
  readonly namespace: string
  readonly pod: string
}

export class DeletedPods {
  /** Deletions past the bound. */
  refused = 0
  readonly #delayMs: number
  /** In the order of their times, by name: neither part of it may have a slash. */
  readonly #pending = new Map<string, PodId & { readonly dueMs: number }>()

  /** `delayMs`: so long a last scrape may take to come by. */
  constructor(delayMs: number) {
    this.#delayMs = delayMs
  }

  add(pod: PodId, nowMs: number): void {
    this.recreated(pod)
    if (this.#pending.size >= MAX_PENDING) this.refused++
    else this.#pending.set(podKey(pod), { ...pod, dueMs: nowMs + this.#delayMs })
  }

  /** There is a pod of this name again, as of a StatefulSet: the series are its own now. */
  recreated(pod: PodId): void {
    if (this.#pending.size > 0) this.#pending.delete(podKey(pod))
  }

  /** Those whose delay is over; they are no longer here. */
  due(nowMs: number): PodId[] {
    const due: PodId[] = []
    for (const [name, { namespace, pod, dueMs }] of this.#pending) {
      if (dueMs > nowMs) break
      due.push({ namespace, pod })
      this.#pending.delete(name)
    }
    return due
  }
}

/** `labels` of a family: whether a series of it names one of the pods by namespace and pod; undefined: none can. */
export function selectorOf(
  labels: readonly string[],
  pods: readonly PodId[],
): ((labels: Labels) => boolean) | undefined {
  const sides = SIDES.filter(side => labels.includes(`${side}_namespace`) && labels.includes(`${side}_pod`))
  if (sides.length === 0) return undefined
  const names = new Set(pods.map(podKey))
  return series => sides.some(side => names.has(`${series[`${side}_namespace`]}/${series[`${side}_pod`]}`))
}

export function podKey({ namespace, pod }: PodId): string {
  return `${namespace}/${pod}`
}
