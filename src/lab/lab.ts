/**
 * lab.ts - a node and its pods in network namespaces, with real links between them.
 *
 * In:    pods by name, namespace and workload. Root.
 * Out:   namespaces, veths, addresses and routes; an inventory file that names them; a way to run programs inside.
 * Fail:  an Error with the words of `ip`, or naming what missed its deadline; what was made until then is removed.
 * Never: changes the root namespace.
 */
import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { cleanupStale, ignoreSignals, registerLab, unregisterLab } from './cleanup.js'
import { Identities, type Inventory, inventoryOf } from './inventory.js'
import { type LinkCounters, type LinkState, quiet, readLinks } from './links.js'
import { deleteNetns, inNetns, ipBatch, killIn, netnsPath } from './netns.js'
import { labPrefix, type Place, type PodSpec, placePod } from './plan.js'
import { Pod } from './pod.js'
import { type Child, must, plainEnvironment, type Result, type RunOptions, run } from './process.js'
import * as wiring from './wiring.js'

export interface LabOptions {
  /** `fixed` (default): no ARP and no neighbour discovery ever; `learned`: both, as on a real node. */
  readonly neighbours?: 'fixed' | 'learned'
  /** false: segmentation and receive offloads off in pods and node, where ethtool is installed. They stay on unless told. */
  readonly offload?: boolean
  /** Pods are in 10.N.0.0/16 and fdN::/16; 77 unless told, 10 to 99. */
  readonly network?: number
  /** `destroy` (default): SIGINT, SIGTERM and SIGHUP destroy the lab and end the process; `leave`: the caller sees to it. */
  readonly signals?: 'destroy' | 'leave'
}

/** Time for `ip` to make or unmake some hundred pods. */
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
  /** Of pods there are, and of those being made: what has to go whatever fails. */
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

  /** Build a node and its pods. */
  static async create(pods: readonly PodSpec[], options: LabOptions = {}): Promise<Lab> {
    const lab = new Lab(options)
    registerLab(lab.#namespaceNames)
    if (options.signals === 'leave') ignoreSignals()
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

  /** Remove what labs of dead processes left behind; names of the namespaces removed. */
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

  /** Kill what runs in it, delete its link, then its namespace. Its addresses are not used again. */
  async removePod(name: string): Promise<void> {
    const pod = this.pod(name)
    this.#pods.delete(name)
    await killIn([pod.netns])
    await ipBatch([`link del ${pod.link}`], this.node.netns)
    await deleteNetns([pod.netns])
    this.#namespaces.delete(pod.netns)
  }

  /** The inventory file's object, of the pods there are now. */
  inventory(): Inventory {
    return inventoryOf(this.pods)
  }

  async writeInventory(path: string): Promise<void> {
    await writeFile(path, JSON.stringify(this.inventory(), undefined, 1))
  }

  /** Load a ruleset into the node's namespace; what was there stays, unless the ruleset flushes it. */
  async nft(ruleset: string): Promise<void> {
    await must(inNetns(this.node.netns, ['nft', '-f', '-']), { input: ruleset })
  }

  /** Run a program in a pod, or on the node, to its end. */
  run(where: Pod | 'node', argv: readonly string[], options: RunOptions = {}): Promise<Result> {
    return run(inNetns(this.#netnsOf(where), argv), options)
  }

  /** Start a program in a pod, or on the node; stdin, stdout and stderr are pipes. */
  spawn(where: Pod | 'node', argv: readonly string[]): Child {
    const [program = '', ...args] = inNetns(this.#netnsOf(where), argv)
    return spawn(program, args, { stdio: 'pipe', env: plainEnvironment() })
  }

  /** The host side's own counters: rx = from the pod, tx = to the pod. */
  async linkCounters(pod: Pod): Promise<LinkCounters> {
    const { rx, tx } = linkNamed(await readLinks(this.node.netns, pod.link), pod.link)
    return { rx, tx }
  }

  /** The same of every pod, read by one process, by pod name. */
  async allCounters(): Promise<Map<string, LinkCounters>> {
    const links = await readLinks(this.node.netns)
    return new Map(
      this.pods.map(pod => {
        const { rx, tx } = linkNamed(links, pod.link)
        return [pod.name, { rx, tx }]
      }),
    )
  }

  /** Kill every process in the lab's namespaces, delete links and namespaces. Twice is fine. */
  destroy(): Promise<void> {
    this.#destroying ??= this.#tearDown()
    return this.#destroying
  }

  async #tearDown(): Promise<void> {
    const namespaces = this.#namespaceNames()
    await killIn(namespaces)
    // By group, so that links go even while somebody still holds the node's namespace open.
    if (this.#pods.size > 0) await run(['ip', '-n', this.node.netns, 'link', 'del', 'group', String(wiring.LINK_GROUP)])
    this.#pods.clear()
    await deleteNetns(namespaces)
    this.#namespaces.clear()
    unregisterLab(this.#namespaceNames)
  }

  /** All of them, or none: what a failure leaves half made is removed. */
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

  /** One shell for all of them. */
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
