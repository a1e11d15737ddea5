/**
 * named-kernel.ts - the kernel's IP cache and an exporter that fills it, in a network namespace without interfaces.
 *
 * Out:   names are in the kernel once apply() has resolved; check() reads them back.
 * Fail:  open() throws the system's error; it needs root.
 */
import { createExporter, type Exporter } from '../src/agent/exporter.js'
import { NameUpdates } from '../src/agent/names/name-updates.js'
import { defaultInventory } from '../src/datapath/inventory/inventory.js'
import { IP_INFO } from '../src/datapath/record/abi.js'
import { Live } from '../src/datapath/source/live.js'
import { type BpfObject, loadNative } from '../src/datapath/source/native.js'
import { deleteNetns, ipBatch, netnsPath } from '../src/lab/netns.js'
import { formatAddress } from '../src/lib/address.js'

const ADDRESS_BYTES = 16

const OPTIONS = {
  interfaces: [],
  uplinks: [],
  attach: 'auto',
  reportIntervalMs: 5_000,
  drainIntervalMs: 100,
  ringPages: 64,
  connections: 65_536,
} as const

export class NamedKernel {
  readonly exporter: Exporter
  readonly names: NameUpdates
  readonly #object: BpfObject
  readonly #live: Live
  readonly #netns: string

  static async open(): Promise<NamedKernel> {
    const netns = `weir-bench-${process.pid}`
    await ipBatch([`netns add ${netns}`])
    try {
      return new NamedKernel(netns)
    } catch (error) {
      await deleteNetns([netns])
      throw error
    }
  }

  private constructor(netns: string) {
    this.#netns = netns
    this.exporter = createExporter(defaultInventory(), true)
    this.exporter.entities.expectNames()
    const native = loadNative()
    const opened: BpfObject[] = []
    const openObject: typeof native.openObject = (path, own) => {
      opened.push(native.openObject(path, own))
      return opened[0]!
    }
    const { entities, sink } = this.exporter
    this.#live = new Live({ ...native, openObject }, entities, { ...OPTIONS, netns: netnsPath(netns) }, sink, {
      onError(error) {
        throw error
      },
    })
    this.#object = opened[0]!
    this.names = new NameUpdates(this.exporter, this.#live)
  }

  /** The number of addresses in the kernel. Throws if one is missing or has another entity id than here. */
  check(): number {
    const { addresses } = this.exporter.entities
    const entry = ADDRESS_BYTES + IP_INFO.size
    const into = new Uint8Array((addresses.hosts + 1024) * entry)
    const entries = this.#object.read('ip_cache', into)
    const view = new DataView(into.buffer)
    for (let at = 0; at < entries * entry; at += entry) {
      const ip = formatAddress(into, at)
      const [there, here] = [
        view.getUint32(at + ADDRESS_BYTES + IP_INFO.entity, true),
        addresses.host(ip) || addresses.cidr(ip),
      ]
      if (there !== here) throw new Error(`${ip} has entity ${there} in the kernel and ${here} here`)
    }
    if (entries < addresses.hosts) throw new Error(`the kernel has ${entries} addresses of ${addresses.hosts}`)
    return entries
  }

  async close(): Promise<void> {
    this.#live.close()
    await deleteNetns([this.#netns])
  }
}
