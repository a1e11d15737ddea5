// SPDX-License-Identifier: Apache-2.0
/**
 * agent.ts - the running exporter: source, names, reloads, flow API, Kubernetes watch and OTLP push.
 *
 * Order: the source first, in the constructor; then start(), then connect(), which may wait for other machines.
 * Stop:  stop() detaches at once and gives pushes and clients of the flow API time to finish.
 */
import type { Rate } from '../exporter/http/rates.js'
import type { KubernetesOptions } from '../kubernetes/watch/message.js'
import { updateSelf } from './exporter.js'
import { ClusterNames } from './names/cluster-names.js'
import { NameUpdates } from './names/name-updates.js'
import { OtlpPush } from './otlp-push.js'
import type { Configuration } from './reload/config-reload.js'
import { Reloads } from './reload/reloads.js'
import { collectingOf, type Setup } from './setup.js'
import type { RunningSource } from './source/running-source.js'
import { startSource } from './source/start-source.js'

type StatusLine = readonly [name: string, text: string]

export class Agent {
  readonly #setup: Setup
  readonly #source: RunningSource
  readonly #names: NameUpdates
  readonly #cluster: ClusterNames | undefined
  readonly #push: OtlpPush | undefined
  readonly #reloads: Reloads

  /** Starts the source; throws if the system refuses it. */
  constructor(setup: Setup, configuration: Configuration) {
    const { options, exporter, api, limit } = setup
    this.#setup = setup
    this.#source = startSource(exporter, options, api, limit)
    this.#names = new NameUpdates(exporter, this.#source.live)
    this.#cluster = options.kubernetes && this.#clusterNames(options.kubernetes)
    const collecting = collectingOf(setup, () => this.collect())
    this.#push = options.otlp && new OtlpPush(options.otlp, exporter, collecting, limit)
    const targets = { ...setup, names: this.#names, hubbleFile: options.hubbleFile }
    this.#reloads = new Reloads(configuration, targets, change => this.#exclusive(change))
  }

  /** Starts the flow API and the reloads. */
  async start(): Promise<void> {
    const { api, exporter, log } = this.#setup
    await api?.start(exporter, () => [...this.#source.status(), ['series', String(this.#seriesCount())]], log)
    this.#reloads.start()
  }

  /** Connects to the OTLP receiver and the Kubernetes API. Until their first answer Weir counts, but may not be ready. */
  async connect(): Promise<void> {
    await this.#push?.start()
    await this.#cluster?.start()
  }

  /** Brings all series up to date. */
  collect(): void {
    const { exporter, api } = this.#setup
    const { decoder, live, bypass } = this.#source
    live?.collect()
    this.#names.refresh()
    updateSelf(exporter, decoder, live, bypass)
    this.#cluster?.updateMetrics()
    api?.updateMetrics(exporter.store)
    exporter.hubble?.setLost('hubble_ring_buffer', api?.lost ?? 0)
  }

  /** Resolves to the problems of the new configuration, one per line, or undefined on success. */
  reloadConfig(): Promise<string | undefined> {
    return this.#reloads.reloadConfig()
  }

  get notReady(): string | undefined {
    return this.#source.notReady() ?? this.#cluster?.notReady
  }

  /** For the landing page. */
  rates(): readonly Rate[] {
    return this.#source.rates.list()
  }

  /** For the landing page. */
  status(): readonly StatusLine[] {
    return [...this.#source.status(), ...(this.#cluster?.status() ?? []), ...(this.#push?.status() ?? [])]
  }

  /** Detaches before the first await. `deadlineMs` is for the last push and the clients of the flow API. */
  async stop(deadlineMs: number): Promise<void> {
    const { api, series } = this.#setup
    // The push collects once more, so it comes before the source is closed.
    const closing = [api?.close(), this.#push?.close(deadlineMs)]
    this.#source.close()
    this.#reloads.stop()
    series.stop()
    await Promise.all(closing)
    await this.#cluster?.stop()
  }

  #clusterNames(options: KubernetesOptions): ClusterNames {
    const { exporter, limit } = this.#setup
    return new ClusterNames(options, {
      store: exporter.store,
      log: limit,
      keys: () => exporter.entities.keys(),
      apply: changes => this.#names.apply(changes),
    })
  }

  /** Families and labels change between two exports of the push, if there is one. */
  async #exclusive(change: () => void): Promise<void> {
    if (this.#push === undefined) change()
    else await this.#push.exclusive(change)
  }

  #seriesCount(): number {
    return this.#setup.exporter.store.families().reduce((sum, family) => sum + family.size, 0)
  }
}
