/**
 * faults.ts - what the fake API server does wrong, on demand.
 *
 * In:    a fault for requests of a path, for a number of them or until it is taken back.
 * Out:   the fault that a request meets.
 */

export type Fault =
  /** Answer this status, with its Status object. */
  | { readonly kind: 'status'; readonly status: number; readonly retryAfterSeconds?: number; readonly message?: string }
  /** Take the request and say nothing. */
  | { readonly kind: 'hang' }
  /** Grant a watch and send nothing, no bookmark either. */
  | { readonly kind: 'silence' }
  /** Send this many bytes of the body, then break the connection. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** End the watch as soon as it is granted. */
  | { readonly kind: 'close' }
  /** Send a list so many bytes at a time, with so many milliseconds in between. */
  | { readonly kind: 'slow'; readonly bytes: number; readonly everyMs: number }
  /** Break the connection before any answer. */
  | { readonly kind: 'reset' }

export type Verb = 'list' | 'watch' | 'any'

interface Planned {
  readonly path: string
  readonly verb: Verb
  readonly fault: Fault
  left: number
}

export class Faults {
  #planned: Planned[] = []

  /** For the next `times` requests whose path begins so. */
  plan(path: string, verb: Verb, fault: Fault, times = Number.POSITIVE_INFINITY): void {
    this.#planned.push({ path, verb, fault, left: times })
  }

  /** No faults from now on. */
  clear(): void {
    this.#planned = []
  }

  /** What this request meets; it counts. */
  next(path: string, verb: Verb): Fault | undefined {
    const planned = this.#planned.find(one => path.startsWith(one.path) && (one.verb === 'any' || one.verb === verb))
    if (planned === undefined) return undefined
    planned.left--
    if (planned.left <= 0) this.#planned = this.#planned.filter(one => one !== planned)
    return planned.fault
  }
}
