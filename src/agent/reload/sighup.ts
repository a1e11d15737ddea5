// SPDX-License-Identifier: Apache-2.0
/**
 * sighup.ts - SIGHUP of a command that reloads, from its first moment: a signal during the start does not kill it.
 *
 * Out:   calls the listener once per SIGHUP; signals from before it was registered count as one.
 */
export class Sighup {
  #listener: (() => void) | undefined
  #pending = false
  readonly #onSignal = () => {
    if (this.#listener === undefined) this.#pending = true
    else this.#listener()
  }

  constructor() {
    process.on('SIGHUP', this.#onSignal)
  }

  listen(listener: () => void): void {
    this.#listener = listener
    if (this.#pending) listener()
    this.#pending = false
  }

  /** From now on SIGHUP is ignored; it must not kill a process that is stopping. */
  ignore(): void {
    this.#listener = () => undefined
  }
}
