/**
 * pod.ts - one pod of the lab: who it is, where it is, and its agent.
 *
 * In:    what the lab made.
 * Out:   names, addresses and interface numbers; programs run inside.
 */
import { Agent } from './agent-client.js'
import type { Resident } from './inventory.js'
import type { PodSpec } from './plan.js'
import type { Child, Result, RunOptions } from './process.js'

/** Runs programs in a pod's namespace: the lab. */
export interface Programs {
  run(where: Pod, argv: readonly string[], options: RunOptions): Promise<Result>
  spawn(where: Pod, argv: readonly string[]): Child
}

export class Pod implements Resident {
  readonly spec: PodSpec
  readonly index: number
  readonly netns: string
  readonly link: string
  readonly ipv4: string
  readonly ipv6: string
  readonly hostMac: string
  readonly podMac: string
  readonly identity: number
  readonly ifindex: number
  /** Of eth0, in the pod's namespace. */
  readonly peerIfindex: number | undefined
  readonly #programs: Programs
  #agent: Agent | undefined

  constructor(programs: Programs, resident: Resident & { peerIfindex: number | undefined }) {
    this.#programs = programs
    this.spec = resident.spec
    this.index = resident.index
    this.netns = resident.netns
    this.link = resident.link
    this.ipv4 = resident.ipv4
    this.ipv6 = resident.ipv6
    this.hostMac = resident.hostMac
    this.podMac = resident.podMac
    this.identity = resident.identity
    this.ifindex = resident.ifindex
    this.peerIfindex = resident.peerIfindex
  }

  get name(): string {
    return this.spec.name
  }

  get namespace(): string {
    return this.spec.namespace
  }

  get workload(): string {
    return this.spec.workload
  }

  /** Run a program inside to its end. */
  exec(argv: readonly string[], options: RunOptions = {}): Promise<Result> {
    return this.#programs.run(this, argv, options)
  }

  /** Start a program inside; it dies with the lab. */
  spawn(argv: readonly string[]): Child {
    return this.#programs.spawn(this, argv)
  }

  /** The pod's traffic program, started when first asked for. */
  get agent(): Agent {
    this.#agent ??= new Agent(argv => this.spawn(argv), this.name)
    return this.#agent
  }
}
