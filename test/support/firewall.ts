/**
 * firewall.ts - nftables' counters on the lab's node: an independent count of what passes it.
 *
 * In:    a lab without a ruleset of that name.
 * Out:   packets and bytes by counter; bytes from the Ethernet header on, as Weir's.
 */
import type { Lab } from '../../src/lab/lab.js'

const ETHERNET = 14

/** Segments of every pod by control flag: counters syn, synack, fin and rst. */
export const FLAGS = {
  counters: ['syn', 'synack', 'fin', 'rst'],
  chain: `type filter hook prerouting priority 0
    tcp flags & (syn|ack) == syn counter name syn
    tcp flags & (syn|ack) == (syn|ack) counter name synack
    tcp flags & fin == fin counter name fin
    tcp flags & rst == rst counter name rst`,
} as const

export interface Chain {
  readonly counters: readonly string[]
  /** What stands between the braces of the chain. */
  readonly chain: string
}

export interface Count {
  readonly packets: number
  readonly bytes: number
}

export class Firewall {
  readonly #lab: Lab

  private constructor(lab: Lab) {
    this.#lab = lab
  }

  static async start(lab: Lab, ...chains: readonly Chain[]): Promise<Firewall> {
    const counters = chains.flatMap(chain => chain.counters.map(name => `counter ${name} {}`))
    const bodies = chains.map(({ chain }, i) => `chain c${i} {\n${chain}\n}`)
    await lab.nft(`table inet counted {\n${[...counters, ...bodies].join('\n')}\n}`)
    return new Firewall(lab)
  }

  /** Every counter by name. */
  async counts(): Promise<Readonly<Record<string, Count>>> {
    const { stdout } = await this.#lab.run('node', ['nft', '-j', 'list', 'counters', 'table', 'inet', 'counted'])
    const rows = (JSON.parse(stdout) as { nftables: { counter?: Count & { name: string } }[] }).nftables
    const counters = rows.flatMap(({ counter }) => counter ?? [])
    return Object.fromEntries(
      // nftables begins at the IP header
      counters.map(({ name, packets, bytes }) => [name, { packets, bytes: bytes + packets * ETHERNET }]),
    )
  }
}
