/**
 * command.ts - runs the built command `weir` until it exits.
 *
 * In:    its arguments; optionally a command that starts it, like setpriv.
 * Out:   exit code, stdout and stderr.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { plainEnvironment } from './weir-process.js'

export interface Ended {
  /** null: a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const DEADLINE_MS = 30_000
const MAX_OUTPUT = 64 << 20

export function weir(args: readonly string[], through: readonly string[] = []): Ended {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: run make build first`)
  return runToEnd([...through, process.execPath, MAIN, ...args])
}

export function runToEnd(words: readonly string[]): Ended {
  const { status, stdout, stderr, error } = spawnSync(words[0]!, words.slice(1), {
    encoding: 'utf8',
    env: plainEnvironment(),
    timeout: DEADLINE_MS,
    maxBuffer: MAX_OUTPUT,
  })
  if (error !== undefined && status === null && stdout === null) throw error
  return { code: status, stdout, stderr }
}
