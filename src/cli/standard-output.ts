/**
 * standard-output.ts - text to standard output in large pieces, no faster than the reader takes it.
 *
 * Fail:  a reader that goes away (`weir monitor | head`) is no error: `closed` says that nobody reads any more.
 *        Other errors of the system are thrown by flush.
 */

/** A write(2) for a few hundred lines. */
const PIECE = 65_536

export class StandardOutput {
  /** The reader went away. */
  closed = false
  readonly #stream: NodeJS.WriteStream = process.stdout
  #text = ''

  constructor() {
    // Every write tells its own error; without a listener the stream would throw it besides.
    this.#stream.on('error', () => undefined)
  }

  /** Keeps `text` until there is enough to write; true when `flush` is due. */
  add(text: string): boolean {
    this.#text += text
    return this.#text.length >= PIECE
  }

  /** Resolves when the stream takes more, or never will. */
  async flush(): Promise<void> {
    const text = this.#text
    this.#text = ''
    if (this.closed || text === '') return
    const error = await new Promise<NodeJS.ErrnoException | null | undefined>(resolve =>
      this.#stream.write(text, resolve),
    )
    if (!error) return
    this.closed = true
    if (error.code !== 'EPIPE') throw error
  }
}
