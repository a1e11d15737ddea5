/**
 * gauged-lab.ts - a lab with a Weir on it, and both their counts of the same traffic.
 *
 * In:    pods, each a workload of its own where sums per pod are wanted; Weir's arguments.
 * Out:   readings: Weir's page, and what the kernel says that each link carried since Weir started.
 * Fail:  as Lab.create() and startWeir(); what was made until then is removed.
 *
 * Each test file takes a network of its own: drops are told of the whole machine, and other labs drop too.
 */
import type { Test } from 'tap'
import { Lab, type LabOptions } from '../src/lab/lab.js'
import { type Counters, type LinkCounters, quiet } from '../src/lab/links.js'
import type { PodSpec } from '../src/lab/plan.js'
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

export class GaugedLab {
  readonly lab: Lab
  readonly weir: WeirProcess
  readonly #before: ReadonlyMap<string, LinkCounters>

  private constructor(lab: Lab, weir: WeirProcess, before: ReadonlyMap<string, LinkCounters>) {
    this.lab = lab
    this.weir = weir
    this.#before = before
  }

  /** Both end with the test. */
  static async start(
    t: Test,
    pods: readonly PodSpec[],
    options: GaugedLabOptions,
    args: readonly string[] = [],
  ): Promise<GaugedLab> {
    const lab = await Lab.create(pods, options)
    t.teardown(() => lab.destroy())
    const world = `${t.testdir()}/world.json`
    await lab.writeWorld(world)
    const before = await lab.allCounters()
    const weir = await startWeir(['--netns', lab.node.path, '--world', world, ...args])
    t.teardown(() => weir.stop())
    return new GaugedLab(lab, weir, before)
  }

  /** Wait until nothing is under way any more, then read both. */
  async read(): Promise<Reading> {
    await this.settle()
    const now = await this.lab.allCounters()
    const links = new Map([...now].map(([pod, counters]) => [pod, since(this.#before.get(pod), counters)]))
    return { samples: await this.weir.metrics(), links }
  }

  /** Until the links carry nothing. */
  async settle(): Promise<void> {
    await quiet(
      this.lab.node.netns,
      this.lab.pods.map(({ link }) => link),
    )
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
