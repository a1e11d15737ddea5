// SPDX-License-Identifier: Apache-2.0
/**
 * bypass-watch.ts - reports interfaces that packets bypass: log, readiness and status.
 *
 * In:    the records and flushes of the live source; what the operator wants to happen; a way to cover more packets.
 * Out:   log lines on each change, a reason not to be ready, a status line.
 */
import type { OnBypass } from '../../config/settings/source.js'
import { type Bypass, BypassCheck, type WatchedInterface } from '../../datapath/source/bypass-check.js'
import type { LineLog } from '../../lib/log-limit.js'

/** With the time that evidence waits, and the drain, an alarm comes within two seconds. */
const SETTLE_MS = 250
/** Interfaces that a line names. */
const NAMED = 5
const REMEDY =
  "another program forwards packets past this interface's hook; counts of the direction are missing: see docs/runbooks.md, WeirInterfaceBypassed"

export class BypassWatch {
  readonly check: BypassCheck
  readonly #action: OnBypass
  readonly #log: LineLog
  readonly #cover: () => boolean
  readonly #timer: NodeJS.Timeout

  /** `cover`: attaches where packets to a pod are seen that were not; returns false if it can do nothing more. */
  constructor(
    interfaceOf: (ifindex: number) => WatchedInterface | undefined,
    action: OnBypass,
    log: LineLog,
    cover: () => boolean,
  ) {
    this.check = new BypassCheck(interfaceOf)
    this.#cover = cover
    this.#action = action
    this.#log = log
    this.#timer = setInterval(() => this.settle(), SETTLE_MS).unref()
  }

  /** Reviews the evidence. */
  settle(): void {
    const changes = this.check.settle()
    if (changes.some(({ bypassed, direction }) => bypassed && direction === 'to_pod') && this.#cover()) {
      this.#log.warn({ interface: changes[0]!.interface }, 'packets bypass the interface, attaching to more interfaces')
      this.check.reset()
      return
    }
    for (const { interface: name, direction, bypassed } of changes) {
      const fields = { interface: name, direction }
      if (bypassed) this.#log.error({ ...fields, remedy: REMEDY }, 'packets bypass the interface')
      else this.#log.info(fields, 'packets no longer bypass the interface')
    }
  }

  get notReady(): string | undefined {
    const bypassed = this.#bypassed()
    return this.#action === 'warn' || bypassed.length === 0 ? undefined : `packets bypass ${listed(bypassed)}`
  }

  /** For the landing page and `weir status`. */
  get status(): string {
    const bypassed = this.#bypassed()
    return bypassed.length === 0 ? 'none' : listed(bypassed)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #bypassed(): Bypass[] {
    return this.check.list().filter(({ bypassed }) => bypassed)
  }
}

function listed(bypasses: readonly Bypass[]): string {
  const first = bypasses.slice(0, NAMED).map(each => `${each.interface} (${each.direction})`)
  const more = bypasses.length - first.length
  return more === 0 ? first.join(', ') : `${first.join(', ')} and ${more} more`
}
