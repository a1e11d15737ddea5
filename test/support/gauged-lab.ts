/**
 * gauged-lab.ts - a lab with Weir on it, and the counts of both for the same traffic.
 *
 * In:    pods, each its own workload if sums per pod are needed; a function that starts Weir, or arguments of `weir run`.
 * Out:   readings: Weir's page, and the traffic of each link since Weir started, as counted by the kernel.
 * Fail:  as Lab.create() and startWeir(); everything created so far is removed.
 *
 * Each test file has its own network: drops are counted on the whole machine, and other labs drop packets, too.
 */
import type { Test } from 'tap'
import { Lab, type LabOptions } from '../../src/lab/lab.js'
import type { Counters, LinkCounters } from '../../src/lab/links.js'
import type { PodSpec } from '../../src/lab/plan.js'
import { type Instant, readTogether } from './one-instant.js'
import type { Samples } from './samples.js'
import { startWeir, type WeirProcess } from './weir-process.js'

export const needsRoot = { skip: process.getuid?.() !== 0 && 'needs root' }

/** The links' counters are those since Weir started. */
export type Reading = Instant

export interface GaugedLabOptions extends LabOptions {
  readonly network: number
}

/** Anything that counts: `weir run`, or its parts in this process. */
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

  /** Starts `weir run` on a lab; both are stopped with the test. */
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

  /** Starts any gauge on a lab, given the lab and its inventory file; both are stopped with the test. */
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

  /** Waits until the links are quiet, then reads page and counters at one instant. */
  async read(): Promise<Reading> {
    const { samples, links: now } = await readTogether(this.lab, () => this.weir.metrics())
    const links = new Map([...now].map(([pod, counters]) => [pod, since(this.#before.get(pod), counters)]))
    return { samples, links }
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
