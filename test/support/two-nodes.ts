/**
 * two-nodes.ts - two labs as the nodes of one cluster: connected by a link, with kube-proxy's address translation and Weir.
 *
 * In:    pods of each node; Services, which a test may change while Weir runs.
 * Out:   Weir's page of each node. Pods without a workload in the inventory are the world.
 * Fail:  as Lab.create() and startWeir(); everything created so far is removed.
 */
import { writeFile } from 'node:fs/promises'
import type { Test } from 'tap'
import { Lab } from '../../src/lab/lab.js'
import { inNetns, ipBatch } from '../../src/lab/netns.js'
import type { PodSpec } from '../../src/lab/plan.js'
import type { Pod } from '../../src/lab/pod.js'
import { must } from '../../src/lab/process.js'
import type { Samples } from './samples.js'
import { startWeir, type WeirProcess } from './weir-process.js'

/** A Service's address and ports: `10.96.0.10 . 80 : 10.45.0.2 . 8080`, or a node port: `30080 : 10.45.0.2 . 8080`. */
export interface Forwarding {
  readonly services: readonly string[]
  readonly nodePorts?: readonly string[]
  /** Node ports masquerade, as with externalTrafficPolicy Cluster. */
  readonly masquerade?: boolean
}

export interface ServiceSpec {
  readonly name: string
  readonly ip: string
}

export interface TwoNodesOptions {
  /** The second node has the next one. */
  readonly network: number
  readonly pods: readonly [readonly PodSpec[], readonly PodSpec[]]
  readonly services: readonly ServiceSpec[]
  /** Names of pods that no inventory has. */
  readonly world?: readonly string[]
  readonly args?: readonly string[]
}

/** Identities of the second node's pods follow those of the first. */
const IDENTITIES = 500
const LINK = 'uplink'

export class TwoNodes {
  readonly labs: readonly [Lab, Lab]
  readonly addresses: readonly [string, string]
  readonly #options: TwoNodesOptions
  readonly #test: Test
  readonly #weirs: WeirProcess[] = []

  private constructor(test: Test, labs: readonly [Lab, Lab], options: TwoNodesOptions) {
    this.#test = test
    this.labs = labs
    this.#options = options
    const { network } = options
    this.addresses = [`10.${network}.255.1`, `10.${network}.255.2`]
  }

  static async start(t: Test, options: TwoNodesOptions): Promise<TwoNodes> {
    const [first, second] = options.pods
    const one = await Lab.create(first, { network: options.network })
    t.teardown(() => one.destroy())
    const two = await Lab.create(second, { network: options.network + 1 })
    t.teardown(() => two.destroy())
    const nodes = new TwoNodes(t, [one, two], options)
    await nodes.#connect()
    return nodes
  }

  pod(name: string): Pod {
    const found = this.labs.flatMap(({ pods }) => pods).find(pod => pod.name === name)
    if (found === undefined) throw new Error(`no pod '${name}'`)
    return found
  }

  /** Replaces the forwarding of a node. Connections that exist keep theirs. */
  async forward(node: 0 | 1, { services, nodePorts = [], masquerade = true }: Forwarding): Promise<void> {
    const pods = this.labs.flatMap(lab => lab.pods)
    const ownPort = `ip daddr ${this.addresses[node]}`
    const mark = masquerade && nodePorts.length > 0
    const ports = nodePorts.map(text => text.split(' ')[0]).join(', ')
    const elements = (list: readonly string[]) => (list.length > 0 ? `elements = { ${list.join(', ')} }` : '')
    await this.labs[node].nft(`
table ip kube {}
delete table ip kube
table ip kube {
  map services { type ipv4_addr . inet_service : ipv4_addr . inet_service; ${elements(services)} }
  map ports { type inet_service : ipv4_addr . inet_service; ${elements(nodePorts)} }
  chain translate {
    ${mark ? `${ownPort} th dport { ${ports} } meta mark set 0x4000` : ''}
    meta l4proto { tcp, udp } dnat ip to ip daddr . th dport map @services
    ${ownPort} meta l4proto { tcp, udp } dnat ip to th dport map @ports
  }
  chain prerouting { type nat hook prerouting priority -100; jump translate; }
  chain output { type nat hook output priority -100; jump translate; }
  chain postrouting {
    type nat hook postrouting priority 100
    meta mark 0x4000 masquerade
    ct status dnat ip saddr . ip daddr { ${pods.map(({ ipv4 }) => `${ipv4} . ${ipv4}`).join(', ')} } masquerade
  }
}`)
  }

  /** Starts Weir on both nodes. */
  async watch(): Promise<void> {
    for (const node of [0, 1] as const) {
      const inventory = `${this.#test.testdir()}/inventory-${node}.json`
      await writeFile(inventory, JSON.stringify(this.#inventory(node)))
      const names = ['--netns', this.labs[node].node.path, '--inventory', inventory]
      const weir = await startWeir([...names, ...(this.#options.args ?? [])])
      this.#test.teardown(() => weir.stop())
      this.#weirs.push(weir)
    }
  }

  weir(node: 0 | 1): WeirProcess {
    return this.#weirs[node]!
  }

  async pages(): Promise<[Samples, Samples]> {
    return [await this.weir(0).metrics(), await this.weir(1).metrics()]
  }

  /** Runs a script of Node in a pod. */
  async script(pod: Pod, text: string): Promise<string> {
    return must(inNetns(pod.netns, [process.execPath, '-e', text]), { timeoutMs: 30_000 })
  }

  async #connect(): Promise<void> {
    const [one, two] = this.labs.map(({ node }) => node.netns) as [string, string]
    await ipBatch([`link add ${LINK} type veth peer name ${LINK} netns ${two}`], one)
    for (const [at, netns] of [one, two].entries()) {
      const other = 1 - at
      await ipBatch(
        [
          `addr add ${this.addresses[at]}/30 dev ${LINK}`,
          `link set ${LINK} up`,
          `route add default via ${this.addresses[other]}`,
          // What kube-proxy does not translate goes nowhere; between these nodes it would go in circles.
          'route add blackhole 10.96.0.0/16',
          `route add 10.${this.#options.network + other}.0.0/16 via ${this.addresses[other]}`,
        ],
        netns,
      )
    }
  }

  #inventory(node: 0 | 1): unknown {
    const inventories = this.labs.map(lab => lab.inventory())
    const world = new Set(this.#options.world)
    const endpoints = inventories.flatMap((inventory, at) =>
      inventory.endpoints
        .filter(({ pod }) => !world.has(pod))
        .map(endpoint => ({
          ...endpoint,
          identity: endpoint.identity + at * IDENTITIES,
          id: at === node ? endpoint.id : 0,
          local: at === node,
          node: `node-${at + 1}`,
          zone: `zone-${at + 1}`,
        })),
    )
    const nodes = this.addresses.map((ip, at) => ({ name: `node-${at + 1}`, ips: [ip], local: at === node }))
    const services = this.#options.services.map(({ name, ip }) => ({ name, ip, namespace: 'shop', port: 80 }))
    return { ...inventories[node], identities: {}, endpoints, nodes, services }
  }
}
