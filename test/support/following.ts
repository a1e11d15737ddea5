/**
 * following.ts - a running command that keeps printing (`weir observe --follow`, `weir monitor`), and its lines so far.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'
import { MAIN } from './command.js'
import { plainEnvironment } from './weir-process.js'

export class Following {
  readonly process: ChildProcess
  /** Exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>
  stderr = ''
  #stdout = ''

  /** Starts the command. It is killed when the test ends. */
  constructor(t: Test, args: readonly string[]) {
    this.process = spawn(process.execPath, [MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: plainEnvironment(),
    })
    this.process.stdout?.on('data', chunk => {
      this.#stdout += chunk
    })
    this.process.stderr?.on('data', chunk => {
      this.stderr += chunk
    })
    this.ended = once(this.process, 'close').then(([code]) => code as number | null)
    t.teardown(() => this.process.kill('SIGKILL'))
  }

  /** The complete lines so far. */
  lines(): readonly string[] {
    return this.#stdout.split('\n').slice(0, -1)
  }
}
