/**
 * process.ts - child processes with deadlines.
 *
 * In:    an argv and what it reads on stdin.
 * Out:   what it printed and how it ended.
 * Fail:  an Error that names the command and the deadline it missed, or what it said when it had to succeed.
 * Never: a shell, unless the argv is one.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'

/** A long-running program in the lab; Lab.destroy() kills it. */
export type Child = ReturnType<typeof spawn>

export interface Result {
  readonly stdout: string
  readonly stderr: string
  /** The exit code; 128 + the signal's number when a signal ended it, as a shell tells it. */
  readonly code: number
}

export interface RunOptions {
  /** Written to stdin, which is then closed. */
  readonly input?: string
  /** Milliseconds until it is killed and the promise rejects; 30,000 unless told. */
  readonly timeoutMs?: number
}

const DEFAULT_TIMEOUT_MS = 30_000

/** Run to the end. Rejects when it cannot start or misses its deadline; a non-zero code is a result. */
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
    // A program that exits without reading its input is not a failure of ours.
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.input ?? '')
  })
}

/** Run to the end and give stdout; rejects on a non-zero code with what was said on stderr. */
export async function must(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const { stdout, stderr, code } = await run(argv, options)
  if (code !== 0) throw new Error(`${argv.join(' ')}: exit code ${code}: ${stderr.trim() || stdout.trim()}`)
  return stdout
}

/** A test runner's NODE_OPTIONS would load its hooks into every Node program of the lab. */
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
