/**
 * os-error.ts - what the attach failed about a file, in words: which file, and why.
 */
import { getSystemErrorMap } from 'node:util'

/** The system's words for an error of its own, `no such file or directory`; else the error's message. */
export function systemWords(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException
  return (errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]) ?? message
}

/** Run `body`, which opens `path`; what the system refuses is told as `WHAT PATH: why`. Other errors pass. */
export function explainFile<T>(what: string, path: string, body: () => T): T {
  try {
    return body()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    throw new Error(`${what} ${path}: ${systemWords(error)}`)
  }
}
