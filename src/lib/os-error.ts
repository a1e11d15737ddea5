// SPDX-License-Identifier: Apache-2.0
/**
 * os-error.ts - error messages for failed file operations: the file and the reason.
 */
import { getSystemErrorMap } from 'node:util'

/** The system's message for its own errors, such as `no such file or directory`; otherwise the error's message. */
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
