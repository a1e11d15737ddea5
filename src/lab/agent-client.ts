// SPDX-License-Identifier: Apache-2.0
/**
 * agent-client.ts - starts the agent of a pod (agent.ts) and calls it.
 *
 * In:    calls with typed arguments (calls.ts).
 * Out:   their results.
 * Fail:  an Error that names the pod and the call when the agent refuses, dies or misses the deadline.
 */
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Answer, CallName, Calls } from './calls.js'
import type { Child } from './process.js'

const CALL_TIMEOUT_MS = 60_000
/** Kept of the agent's stderr: enough for one stack trace. */
const STDERR_TAIL_BYTES = 4_096

interface PendingCall {
  resolve(result: unknown): void
  reject(reason: Error): void
}

/** A running agent.ts. Calls may overlap. */
export class Agent {
  readonly #name: string
  readonly #child: Child
  readonly #pending = new Map<number, PendingCall>()
  #stderrTail = ''
  #failure: Error | undefined
  #nextId = 0

  constructor(spawn: (argv: readonly string[]) => Child, name: string) {
    this.#name = name
    this.#child = spawn(agentArgv())
    if (this.#child.stdout === null) throw new Error('an agent needs its stdout as a pipe')
    createInterface({ input: this.#child.stdout }).on('line', line => this.#take(JSON.parse(line) as Answer))
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderrTail = `${this.#stderrTail}${chunk}`.slice(-STDERR_TAIL_BYTES)
    })
    this.#child.stdin?.on('error', () => undefined)
    this.#child.once('error', reason => this.#fail(reason.message))
    this.#child.once('close', (code, signal) => this.#fail(`ended (${signal ?? code}) ${this.#stderrTail}`.trim()))
  }

  /** Calls the agent; resolves with the result. */
  async call<Name extends CallName>(
    name: Name,
    args: Parameters<Calls[Name]>[0],
    timeoutMs = CALL_TIMEOUT_MS,
  ): Promise<Awaited<ReturnType<Calls[Name]>>> {
    if (this.#failure !== undefined) throw this.#failure
    const id = this.#nextId++
    let deadline: NodeJS.Timeout | undefined
    try {
      const answer = new Promise<unknown>((resolve, reject) => {
        this.#pending.set(id, { resolve, reject })
        const timeout = new Error(`agent of ${this.#name}: no answer to ${name} in ${timeoutMs} ms`)
        deadline = setTimeout(() => reject(timeout), timeoutMs)
      })
      this.#child.stdin?.write(`${JSON.stringify({ id, call: name, args })}\n`)
      return (await answer) as Awaited<ReturnType<Calls[Name]>>
    } finally {
      clearTimeout(deadline)
      this.#pending.delete(id)
    }
  }

  #take(answer: Answer): void {
    const pending = this.#pending.get(answer.id)
    if ('error' in answer) pending?.reject(new Error(`agent of ${this.#name}: ${answer.error}`))
    else pending?.resolve(answer.result)
  }

  #fail(reason: string): void {
    this.#failure ??= new Error(`agent of ${this.#name}: ${reason}`)
    for (const { reject } of this.#pending.values()) reject(this.#failure)
  }
}

function agentArgv(): string[] {
  return [process.execPath, fileURLToPath(new URL('./agent.js', import.meta.url))]
}
