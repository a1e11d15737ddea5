// SPDX-License-Identifier: Apache-2.0
/**
 * faults.ts - faults that the fake API server produces on demand.
 *
 * In:    a fault for the requests of a path, for a number of them or until clear().
 * Out:   the fault for a request.
 */

export type Fault =
  /** Respond with this status and its Status object. */
  | { readonly kind: 'status'; readonly status: number; readonly retryAfterSeconds?: number; readonly message?: string }
  /** Never respond. */
  | { readonly kind: 'hang' }
  /** Start a watch and send nothing, not even bookmarks. */
  | { readonly kind: 'silence' }
  /** Send this many bytes of the body, then reset the connection. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** End a watch as soon as it has started. */
  | { readonly kind: 'close' }
  /** Send `bytes` of a list every `everyMs` milliseconds. */
  | { readonly kind: 'slow'; readonly bytes: number; readonly everyMs: number }
  /** Reset the connection without a response. */
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

  /** Plans a fault for the next `times` requests with this path prefix. */
  plan(path: string, verb: Verb, fault: Fault, times = Number.POSITIVE_INFINITY): void {
    this.#planned.push({ path, verb, fault, left: times })
  }

  /** Removes all planned faults. */
  clear(): void {
    this.#planned = []
  }

  /** The fault for this request, if any. Uses up one of its times. */
  next(path: string, verb: Verb): Fault | undefined {
    const planned = this.#planned.find(one => path.startsWith(one.path) && (one.verb === 'any' || one.verb === verb))
    if (planned === undefined) return undefined
    planned.left--
    if (planned.left <= 0) this.#planned = this.#planned.filter(one => one !== planned)
    return planned.fault
  }
}
