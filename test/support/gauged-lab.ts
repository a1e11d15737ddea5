/**
 * gauged-lab.ts - a lab with a Weir on it, and both their counts of the same traffic.
 *
 * In:    pods, each a workload of its own where sums per pod are wanted; what starts Weir, or the arguments of `weir run`.
 * Out:   readings: Weir's page, and what the kernel says that each link carried since Weir started.
 * Fail:  as Lab.create() and startWeir(); what was made until then is removed.
 *
 * Each test file has its own network: drops are counted on the whole machine, and other labs drop packets, too.
 */
import type { Test } from 'tap'
import { Lab, type LabOptions } from '../../src/lab/lab.js'
import { type Counters, type LinkCounters, quiet } from '../../src/lab/links.js'
import type { PodSpec } from '../../src/lab/plan.js'
import type { Samples } from './samples.js'
import { startWeir, type WeirProcess } from './weir-process.js'

export const needsRoot = { skip: process.getuid?.() !== 0 && 'needs root' }

export interface Reading {
  readonly samples: Samples
  /** By pod: rx came from it, tx went to it. */
  readonly links: ReadonlyMap<string, LinkCounters>
}

export interface GaugedLabOptions extends LabOptions {
  readonly network: number
}

/** Whatever counts: `weir run`, or its parts in this process. */
export interface Gauge {
  metrics(): Promise<Samples>
  stop(): unknown
}

export class GaugedLab<G extends Gauge = WeirProcess> {
  readonly lab: Lab
  readonly weir: G
  readonly #before: ReadonlyMap<string, LinkCounters>

  private constructor(lab: Lab, weir: G, before: ReadonlyMap<string, LinkCounters>) {
    this.lab = lab
    this.weir = weir
    this.#before = before
  }

  /** `weir run` on a lab; both end with the test. */
  static start(
    t: Test,
    pods: readonly PodSpec[],
    options: GaugedLabOptions,
    args: readonly string[] | ((lab: Lab) => readonly string[]) = [],
  ): Promise<GaugedLab> {
    return GaugedLab.with(t, pods, options, (lab, inventory) => {
      const own = typeof args === 'function' ? args(lab) : args
      return startWeir(['--netns', lab.node.path, '--inventory', inventory, ...own])
    })
  }

  /** Any gauge on a lab, given the lab and its inventory file; both end with the test. */
  static async with<G extends Gauge>(
    t: Test,
    pods: readonly PodSpec[],
    options: GaugedLabOptions,
    start: (lab: Lab, inventory: string) => Promise<G>,
  ): Promise<GaugedLab<G>> {
    const lab = await Lab.create(pods, options)
    t.teardown(() => lab.destroy())
    const inventory = `${t.testdir()}/inventory.json`
    await lab.writeInventory(inventory)
    const before = await lab.allCounters()
    const weir = await start(lab, inventory)
    t.teardown(() => weir.stop())
    return new GaugedLab(lab, weir, before)
  }

  /** Wait until the links carry nothing any more, then read both. */
  async read(): Promise<Reading> {
    await quiet(
      this.lab.node.netns,
      this.lab.pods.map(({ link }) => link),
    )
    const now = await this.lab.allCounters()
    const links = new Map([...now].map(([pod, counters]) => [pod, since(this.#before.get(pod), counters)]))
    return { samples: await this.weir.metrics(), links }
  }
}

function since(before: LinkCounters | undefined, now: LinkCounters): LinkCounters {
  if (before === undefined) return now
  return { rx: minus(now.rx, before.rx), tx: minus(now.tx, before.tx) }
}

function minus(now: Counters, before: Counters): Counters {
  return {
    packets: now.packets - before.packets,
    bytes: now.bytes - before.bytes,
    dropped: now.dropped - before.dropped,
  }
}
