/**
 * sighup.ts - SIGHUP from the first moment of a command that reloads: one that comes during the start does not end it.
 *
 * Out:   the listener is told of each, of all that came before it listened once.
 */
export class Sighup {
  #listener: (() => void) | undefined
  #missed = false
  readonly #hear = () => {
    if (this.#listener === undefined) this.#missed = true
    else this.#listener()
  }

  constructor() {
    process.on('SIGHUP', this.#hear)
  }

  listen(listener: () => void): void {
    this.#listener = listener
    if (this.#missed) listener()
    this.#missed = false
  }

  /** SIGHUP is still no end: whoever stops is stopping already. */
  unlisten(): void {
    this.#listener = () => undefined
  }
}
