// SPDX-License-Identifier: Apache-2.0
/**
 * process.ts - child processes with deadlines.
 *
 * In:    an argv and the text for its stdin.
 * Out:   its output and exit code.
 * Fail:  an Error that names the command and the missed deadline; must() also fails on a non-zero code, with its output.
 * Never: uses a shell, unless the argv is one.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'

/** A long-running program in the lab; Lab.destroy() kills it. */
export type Child = ReturnType<typeof spawn>

export interface Result {
  readonly stdout: string
  readonly stderr: string
  /** The exit code; 128 + signal number if a signal ended it, as in a shell. */
  readonly code: number
}

export interface RunOptions {
  /** Written to stdin, which is then closed. */
  readonly input?: string
  /** Milliseconds until it is killed and the promise rejects; default 30,000. */
  readonly timeoutMs?: number
}

const DEFAULT_TIMEOUT_MS = 30_000

/** Runs a program until it exits. Rejects if it cannot start or misses its deadline, not on a non-zero code. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<Result> {
  const [program = '', ...args] = argv
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'pipe', env: plainEnvironment() })
    const output = collect(child)
    const deadline = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`${argv.join(' ')}: still running after ${timeoutMs} ms`))
    }, timeoutMs)
    child.once('error', reason => {
      clearTimeout(deadline)
      reject(reason)
    })
    child.once('close', (code, signal) => {
      clearTimeout(deadline)
      resolve({ stdout: output.stdout(), stderr: output.stderr(), code: exitCode(code, signal) })
    })
    // A program may exit without reading its input.
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.input ?? '')
  })
}

/** Runs a program until it exits and returns its stdout. Rejects on a non-zero code, with its stderr. */
export async function must(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const { stdout, stderr, code } = await run(argv, options)
  if (code !== 0) throw new Error(`${argv.join(' ')}: exit code ${code}: ${stderr.trim() || stdout.trim()}`)
  return stdout
}

/** The environment without the NODE_OPTIONS of a test runner, which would load its hooks into every Node program. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, NODE_V8_COVERAGE: __, ...rest } = process.env
  return rest
}

function collect(child: ChildProcess): { stdout(): string; stderr(): string } {
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk))
  return { stdout: () => Buffer.concat(out).toString(), stderr: () => Buffer.concat(err).toString() }
}

function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
  if (code !== null) return code
  return 128 + (signal === null ? 0 : constants.signals[signal])
}
