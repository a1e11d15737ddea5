// SPDX-License-Identifier: Apache-2.0
/**
 * standard-output.ts - writes text to standard output in large chunks, with backpressure.
 *
 * Fail:  a closed pipe (`weir monitor | head`) is not an error; it sets `closed`. flush() throws other errors.
 */

/** One write(2) per few hundred lines. */
const CHUNK = 65_536

export class StandardOutput {
  /** The reader closed the pipe. */
  closed = false
  readonly #stream: NodeJS.WriteStream = process.stdout
  #text = ''

  constructor() {
    // write() reports errors to its callback; without a listener the stream would also throw them.
    this.#stream.on('error', () => undefined)
  }

  /** Buffers `text`; true if `flush` is due. */
  add(text: string): boolean {
    this.#text += text
    return this.#text.length >= CHUNK
  }

  /** Resolves when the text is written, or the pipe is closed. */
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
