/**
 * agent-client.ts - a pod's agent (agent.ts) from the outside.
 */
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Answer, CallName, Calls } from './calls.js'
import type { Child } from './process.js'

const CALL_TIMEOUT_MS = 60_000
/** Of the agent's stderr: enough for one stack. */
const COMPLAINT_BYTES = 4_096

interface Waiting {
  resolve(result: unknown): void
  reject(reason: Error): void
}

/** A running agent.ts. Calls may overlap. */
export class Agent {
  readonly #name: string
  readonly #child: Child
  readonly #waiting = new Map<number, Waiting>()
  #complaint = ''
  #dead: Error | undefined
  #nextId = 0

  constructor(spawn: (argv: readonly string[]) => Child, name: string) {
    this.#name = name
    this.#child = spawn(agentArgv())
    if (this.#child.stdout === null) throw new Error('an agent needs its stdout as a pipe')
    createInterface({ input: this.#child.stdout }).on('line', line => this.#take(JSON.parse(line) as Answer))
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#complaint = `${this.#complaint}${chunk}`.slice(-COMPLAINT_BYTES)
    })
    this.#child.stdin?.on('error', () => undefined)
    this.#child.once('error', reason => this.#die(reason.message))
    this.#child.once('close', (code, signal) => this.#die(`ended (${signal ?? code}) ${this.#complaint}`.trim()))
  }

  /** Ask; resolves with the answer. The deadline is 60 s unless told. */
  async call<Name extends CallName>(
    name: Name,
    args: Parameters<Calls[Name]>[0],
    timeoutMs = CALL_TIMEOUT_MS,
  ): Promise<Awaited<ReturnType<Calls[Name]>>> {
    if (this.#dead !== undefined) throw this.#dead
    const id = this.#nextId++
    let deadline: NodeJS.Timeout | undefined
    try {
      const answer = new Promise<unknown>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject })
        const late = new Error(`agent of ${this.#name}: no answer to ${name} in ${timeoutMs} ms`)
        deadline = setTimeout(() => reject(late), timeoutMs)
      })
      this.#child.stdin?.write(`${JSON.stringify({ id, call: name, args })}\n`)
      return (await answer) as Awaited<ReturnType<Calls[Name]>>
    } finally {
      clearTimeout(deadline)
      this.#waiting.delete(id)
    }
  }

  #take(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id)
    if ('error' in answer) waiting?.reject(new Error(`agent of ${this.#name}: ${answer.error}`))
    else waiting?.resolve(answer.result)
  }

  #die(how: string): void {
    this.#dead ??= new Error(`agent of ${this.#name}: ${how}`)
    for (const { reject } of this.#waiting.values()) reject(this.#dead)
  }
}

function agentArgv(): string[] {
  return [process.execPath, fileURLToPath(new URL('./agent.js', import.meta.url))]
}
