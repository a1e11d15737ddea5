// SPDX-License-Identifier: Apache-2.0
/**
 * followed-file.ts - notices that a file has changed, by its content.
 *
 * In:    a path; the text that is in effect, if it was read already.
 * Out:   changed() gives the content as long as it differs from the one that settle() recorded, so a caller reports
 *        and applies each content once. start() calls back at an interval.
 * Fail:  an error of reading counts as content, so each error is reported once.
 * Never: reads anything but a regular file: a pipe would block. Keeps the text, which may be 100 MB.
 *
 * By content, not by modification time: a copy may keep the old time, and touching a file changes nothing. A watch (inotify)
 * would not survive the swapped symlink by which Kubernetes replaces mounted files.
 */
import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'

/** A text or the error of reading it. */
export type FileContent = {
  /** Equal for equal contents. */
  readonly mark: string
} & ({ readonly text: string; readonly error?: undefined } | { readonly text?: undefined; readonly error: Error })

/** Reads the text of a path; throws if it cannot. */
export type ReadText = (path: string) => string

const INTERVAL_MS = 2000
const readUtf8: ReadText = path => readFileSync(path, 'utf8')

export class FollowedFile {
  readonly path: string
  readonly #read: ReadText
  #settled: string | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(path: string, text?: string, read = readUtf8) {
    this.path = path
    this.#read = read
    this.#settled = text === undefined ? undefined : markOf(text)
  }

  /** The content now, or undefined if it is the settled one. */
  changed(): FileContent | undefined {
    const content = readContent(this.path, this.#read)
    return content.mark === this.#settled ? undefined : content
  }

  /** Records that this content was applied or refused. */
  settle({ mark }: FileContent): void {
    this.#settled = mark
  }

  /** Calls `check` at the interval; does not keep the process alive. Does nothing for a pipe, which can be read only once. */
  start(check: () => void, intervalMs = INTERVAL_MS): void {
    if (!isIrregular(this.path)) this.#timer = setInterval(check, intervalMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

/** Reads a file, if it is a regular one. */
export function readContent(path: string, read = readUtf8): FileContent {
  try {
    if (isIrregular(path)) throw new Error(`${path}: is not a regular file any more`)
    const text = read(path)
    return { mark: markOf(text), text }
  } catch (error) {
    const { message } = error as Error
    return { mark: `error: ${message}`, error: error as Error }
  }
}

function markOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** Exists, but is not a regular file. */
function isIrregular(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === false
  } catch {
    // The path cannot be looked up at all; reading it gives the error.
    return false
  }
}
