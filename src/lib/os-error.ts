// SPDX-License-Identifier: Apache-2.0
/**
 * os-error.ts - what the attach failed about a file, in words: which file, and why.
 */
import { getSystemErrorMap } from 'node:util'

/** The system's words for an error of its own, `no such file or directory`; else the error's message. */
export function systemWords(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException
  return (errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]) ?? message
}

/** Runs `body`, which opens `path`. A system error becomes `WHAT PATH: REASON`; other errors pass through. */
export function explainFile<T>(what: string, path: string, body: () => T): T {
  try {
    return body()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    throw new Error(`${what} ${path}: ${systemWords(error)}`)
  }
}
