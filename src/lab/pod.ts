// SPDX-License-Identifier: Apache-2.0
/**
 * pod.ts - one pod of the lab and its agent.
 *
 * In:    the pod's place and identity; the lab, which runs programs.
 * Out:   names, addresses and interface indexes; programs run inside.
 */
import { Agent } from './agent-client.js'
import type { PlacedPod } from './inventory.js'
import type { PodSpec } from './plan.js'
import type { Child, Result, RunOptions } from './process.js'

/** Runs programs in the namespaces of pods. Implemented by the lab. */
export interface Programs {
  run(where: Pod, argv: readonly string[], options: RunOptions): Promise<Result>
  spawn(where: Pod, argv: readonly string[]): Child
}

export class Pod implements PlacedPod {
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
  /** Interface index of eth0 in the pod's namespace. */
  readonly peerIfindex: number | undefined
  readonly #programs: Programs
  #agent: Agent | undefined

  constructor(programs: Programs, placed: PlacedPod & { peerIfindex: number | undefined }) {
    this.#programs = programs
    this.spec = placed.spec
    this.index = placed.index
    this.netns = placed.netns
    this.link = placed.link
    this.ipv4 = placed.ipv4
    this.ipv6 = placed.ipv6
    this.hostMac = placed.hostMac
    this.podMac = placed.podMac
    this.identity = placed.identity
    this.ifindex = placed.ifindex
    this.peerIfindex = placed.peerIfindex
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

  /** Runs a program inside until it exits. */
  exec(argv: readonly string[], options: RunOptions = {}): Promise<Result> {
    return this.#programs.run(this, argv, options)
  }

  /** Starts a program inside; Lab.destroy() kills it. */
  spawn(argv: readonly string[]): Child {
    return this.#programs.spawn(this, argv)
  }

  /** The pod's agent, started on first use. */
  get agent(): Agent {
    this.#agent ??= new Agent(argv => this.spawn(argv), this.name)
    return this.#agent
  }
}
