// SPDX-License-Identifier: Apache-2.0
/**
 * lab.ts - a node and its pods in network namespaces, connected by real links.
 *
 * In:    pods by name, namespace and workload. Needs root.
 * Out:   namespaces, veths, addresses and routes; an inventory file with their names; a way to run programs inside.
 * Fail:  an Error with the message of `ip` or the missed deadline; everything created so far is removed.
 * Never: changes the root namespace.
 */
import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { cleanupStale, registerLab, releaseSignals, unregisterLab } from './cleanup.js'
import { Identities, type Inventory, inventoryOf } from './inventory.js'
import { type LinkCounters, type LinkState, quiet, readLinks } from './links.js'
import { deleteNetns, inNetns, ipBatch, killIn, netnsPath } from './netns.js'
import { labPrefix, type Place, type PodSpec, placePod } from './plan.js'
import { Pod } from './pod.js'
import { type Child, must, plainEnvironment, type Result, type RunOptions, run } from './process.js'
import * as wiring from './wiring.js'

export interface LabOptions {
  /** `fixed` (default): static neighbour entries, no ARP or neighbour discovery; `learned`: both, as on a real node. */
  readonly neighbours?: 'fixed' | 'learned'
  /** false: turns segmentation and receive offloads off in pods and node, if ethtool is installed. Default: true. */
  readonly offload?: boolean
  /** N of the pods' networks 10.N.0.0/16 and fdN::/16, from 10 to 99. Default: 77. */
  readonly network?: number
  /** `destroy` (default): SIGINT, SIGTERM and SIGHUP destroy the lab and end the process; `leave`: the caller handles them. */
  readonly signals?: 'destroy' | 'leave'
}

/** Enough for `ip` to create or remove some hundred pods. */
const WIRING_TIMEOUT_MS = 60_000
let labsMade = 0

export class Lab {
  readonly node: { readonly netns: string; readonly path: string }
  readonly #prefix: string
  readonly #wiring: wiring.WiringOptions
  readonly #offload: boolean
  readonly #network: number | undefined
  readonly #identities = new Identities()
  readonly #pods = new Map<string, Pod>()
  /** Namespaces of the node, of all pods and of those being created: removed whatever fails. */
  readonly #namespaces: Set<string>
  readonly #namespaceNames = () => [...this.#namespaces]
  #placed = 0
  #destroying: Promise<void> | undefined

  private constructor(options: LabOptions) {
    this.#prefix = labPrefix(process.pid, labsMade++)
    const netns = `${this.#prefix}-node`
    this.node = { netns, path: netnsPath(netns) }
    this.#namespaces = new Set([netns])
    this.#wiring = { neighbours: options.neighbours ?? 'fixed' }
    this.#offload = options.offload ?? true
    this.#network = options.network
  }

  /** Creates a node and its pods. */
  static async create(pods: readonly PodSpec[], options: LabOptions = {}): Promise<Lab> {
    const lab = new Lab(options)
    registerLab(lab.#namespaceNames)
    if (options.signals === 'leave') releaseSignals()
    try {
      await ipBatch([`netns add ${lab.node.netns}`])
      await must(inNetns(lab.node.netns, ['sh', '-s']), { input: wiring.nodeScript() })
      await lab.#add(pods)
    } catch (reason) {
      await lab.destroy()
      throw reason
    }
    return lab
  }

  /** Removes what labs of dead processes left behind. Returns the names of the removed namespaces. */
  static cleanupStale(): Promise<string[]> {
    return cleanupStale()
  }

  get pods(): readonly Pod[] {
    return [...this.#pods.values()]
  }

  pod(name: string): Pod {
    const pod = this.#pods.get(name)
    if (pod === undefined) throw new Error(`no pod '${name}'; there are ${[...this.#pods.keys()].join(', ')}`)
    return pod
  }

  async addPod(spec: PodSpec): Promise<Pod> {
    await this.#add([spec])
    return this.pod(spec.name)
  }

  /** Kills the pod's processes, deletes its link, then its namespace. Its addresses are not reused. */
  async removePod(name: string): Promise<void> {
    const pod = this.pod(name)
    this.#pods.delete(name)
    await killIn([pod.netns])
    await ipBatch([`link del ${pod.link}`], this.node.netns)
    await deleteNetns([pod.netns])
    this.#namespaces.delete(pod.netns)
  }

  /** The inventory of the current pods. */
  inventory(): Inventory {
    return inventoryOf(this.pods)
  }

  async writeInventory(path: string): Promise<void> {
    await writeFile(path, JSON.stringify(this.inventory(), undefined, 1))
  }

  /** Adds a ruleset to the node's namespace. Existing rules stay unless the ruleset flushes them. */
  async nft(ruleset: string): Promise<void> {
    await must(inNetns(this.node.netns, ['nft', '-f', '-']), { input: ruleset })
  }

  /** Runs a program in a pod or on the node until it exits. */
  run(where: Pod | 'node', argv: readonly string[], options: RunOptions = {}): Promise<Result> {
    return run(inNetns(this.#netnsOf(where), argv), options)
  }

  /** Starts a program in a pod or on the node; stdin, stdout and stderr are pipes. */
  spawn(where: Pod | 'node', argv: readonly string[]): Child {
    const [program = '', ...args] = inNetns(this.#netnsOf(where), argv)
    return spawn(program, args, { stdio: 'pipe', env: plainEnvironment() })
  }

  /** Counters of the host side of the pod's link: rx = from the pod, tx = to the pod. */
  async linkCounters(pod: Pod): Promise<LinkCounters> {
    const { rx, tx } = linkNamed(await readLinks(this.node.netns, pod.link), pod.link)
    return { rx, tx }
  }

  /** The same for all pods, by pod name, read by one process. */
  async allCounters(): Promise<Map<string, LinkCounters>> {
    const links = await readLinks(this.node.netns)
    return new Map(
      this.pods.map(pod => {
        const { rx, tx } = linkNamed(links, pod.link)
        return [pod.name, { rx, tx }]
      }),
    )
  }

  /** Kills every process in the lab's namespaces, deletes links and namespaces. May be called twice. */
  destroy(): Promise<void> {
    this.#destroying ??= this.#tearDown()
    return this.#destroying
  }

  async #tearDown(): Promise<void> {
    const namespaces = this.#namespaceNames()
    await killIn(namespaces)
    // Deletes links by group, so that they disappear even while a process keeps the node's namespace open.
    if (this.#pods.size > 0) await run(['ip', '-n', this.node.netns, 'link', 'del', 'group', String(wiring.LINK_GROUP)])
    this.#pods.clear()
    await deleteNetns(namespaces)
    this.#namespaces.clear()
    unregisterLab(this.#namespaceNames)
  }

  /** Adds all pods or, after a failure, none. */
  async #add(specs: readonly PodSpec[]): Promise<void> {
    this.#refuseDuplicates(specs)
    const places = specs.map(spec => ({ ...placePod(this.#prefix, this.#placed++, spec, this.#network), spec }))
    const namespaces = places.map(({ netns }) => netns)
    for (const netns of namespaces) this.#namespaces.add(netns)
    try {
      await this.#wire(places)
      await this.#placePods(places)
      const links = places.map(({ link }) => link)
      await quiet(this.node.netns, links)
    } catch (reason) {
      await deleteNetns(namespaces)
      for (const netns of namespaces) this.#namespaces.delete(netns)
      for (const { name } of specs) this.#pods.delete(name)
      throw reason
    }
  }

  async #wire(places: readonly Place[]): Promise<void> {
    const { netns: node } = this.node
    await ipBatch(places.map(({ netns }) => `netns add ${netns}`))
    await ipBatch(places.map(wiring.linkLine), node)
    await this.#inEach(places, place => wiring.shellIn(place, wiring.podScript()))
    await ipBatch(
      places.flatMap(place => wiring.hostLines(place, this.#wiring)),
      node,
    )
    await this.#inEach(places, place => wiring.batchIn(place, wiring.podLines(place, this.#wiring)))
    if (!this.#offload) await this.#inEach(places, place => wiring.offloadOff(place, node))
  }

  async #placePods(places: readonly (Place & { spec: PodSpec })[]): Promise<void> {
    const links = await readLinks(this.node.netns)
    for (const place of places) {
      const { ifindex, peerIfindex } = linkNamed(links, place.link)
      const identity = this.#identities.of(place.spec)
      this.#pods.set(place.spec.name, new Pod(this, { ...place, identity, ifindex, peerIfindex }))
    }
  }

  /** Runs the script of every place in one shell. */
  async #inEach(places: readonly Place[], text: (place: Place) => string): Promise<void> {
    await must(['sh', '-s'], { input: wiring.inEach(places, text), timeoutMs: WIRING_TIMEOUT_MS })
  }

  #refuseDuplicates(specs: readonly PodSpec[]): void {
    const names = specs.map(({ name }) => name)
    const duplicate = names.find((name, at) => this.#pods.has(name) || names.indexOf(name) !== at)
    if (duplicate !== undefined) throw new Error(`pod name '${duplicate}' is taken`)
  }

  #netnsOf(where: Pod | 'node'): string {
    return where === 'node' ? this.node.netns : where.netns
  }
}

function linkNamed(links: ReadonlyMap<string, LinkState>, link: string): LinkState {
  const row = links.get(link)
  if (row === undefined) throw new Error(`${link}: no such link on the node`)
  return row
}
