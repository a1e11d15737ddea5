// SPDX-License-Identifier: Apache-2.0
/**
 * live.ts - the source that attaches the BPF programs to this machine's interfaces.
 *
 * In:    the BPF object, the entities, the interface patterns.
 * Out:   records of the ring and of flushes to the decoder, counters to the sink; exact after collect().
 * Fail:  the constructor throws the kernel's error. It does not wait for attachments. A later system error stops its step and sets `trouble`; the step
 *        runs again at its next interval.
 * Never: flushes and drains concurrently: both are synchronous, so all series show one moment.
 */
import type { Entities } from '../identity/entities.js'
import type { EntityChanges } from '../identity/entity-changes.js'
import { Closing, DropLabel, FLUSH_BYTES, Hook, PASS, PASSES } from '../record/abi.js'
import { Decoder, type RecordSink } from '../record/decode.js'
import type { AttachListener } from './attachments.js'
import { Conntrack } from './conntrack.js'
import { ConntrackOffset } from './conntrack-offset.js'
import { Counters } from './counters.js'
import { type Feature, featureText, kernelFacts, kernelFeatures } from './features.js'
import { Interfaces } from './interfaces.js'
import { IP_CACHE_ENTRIES, IpCache } from './ip-cache.js'
import { type KernelPrograms, kernelPrograms } from './kernel-programs.js'
import type { BpfObject, Native } from './native.js'
import { NodeAddresses } from './node-addresses.js'
import { NodeNetwork } from './node-network.js'
import { type DatapathOptions, DROP_KINDS, openObject } from './object.js'
import { PayloadFilter } from './payload.js'
import { PodDevices } from './pod-devices.js'
import { watchesPodEnds } from './pod-ends.js'
import { type HostRoute, PodInterfaces } from './pod-interfaces.js'
import { chooseRing, type Ring, type RingKind } from './ring.js'
import type { FlowSink, Source } from './source.js'
import { StaleIds } from './stale-ids.js'
import { Translations } from './translations.js'
import { UnmanagedFilter, type UnmanagedMode } from './unmanaged-filter.js'

export interface LiveOptions extends DatapathOptions {
  /** Milliseconds between flushes: the longest that a count stays unreported in the kernel. */
  readonly reportIntervalMs: number
  /** Pages of each CPU's ring, a power of two. */
  readonly ringPages: number
  /** The kind of ring; undefined: auto. */
  readonly ring?: RingKind | 'auto'
  /** Entries of `ip_cache`, and of `ip_prefixes`. */
  readonly identities?: number
  /** Default: count. */
  readonly unmanaged?: UnmanagedMode
  /** Bytes of each packet in the frames that onFrames() gets; undefined: its headers. */
  readonly captureBytes?: number | undefined
}

export interface LiveListener extends Partial<Omit<AttachListener, 'onError' | 'beforeRepair'>> {
  /** A step, or an attempt to attach to an interface, failed; it will be retried. */
  onError(error: Error, step: string): void
  /** The names of the node's addresses changed; the kernel gets them after the call. Default: the entities alone get them. */
  onNames?(changes: EntityChanges): void
  /** These bridges of the node may have an uplink that is taken for a pod's interface; none: no longer. */
  onUnknownUplinks?(bridges: readonly string[]): void
  /** A feature that the kernel lacked at the start. */
  onFeature?(feature: Feature): void
  /** A flush that started at `startedMs` (performance.now()) has reported every connection. */
  onFlushed?(startedMs: number): void
  /** Raw frames before they are decoded, for recordings, without payload. Valid during the call. */
  onFrames?(frames: Uint8Array, length: number): void
}

/**
 * Runs of one pass. A run reports 14,000 connections, so 1,200 runs report 16,777,216. The next pass reports the rest.
 */
const MAX_RUNS = 2000
/** Rounds of questions to conntrack in one flush, of up to 4,096 connections each. The next flush asks for the rest. */
const MAX_ROUNDS = 4
/** bpf/ip_cache.h entity_wait_ns. */
const ENTITY_WAIT_MS = 5000
/** Milliseconds from a publish to the flush that removes the connections of stale entities. */
const RELEASE_DELAY_MS = 1000

export class Live implements Source {
  readonly name = 'live'
  readonly decoder = new Decoder()
  readonly counters: Counters
  readonly interfaces: Interfaces
  readonly ring: Ring
  /** The pods behind the interfaces. */
  readonly pods: PodInterfaces
  /** Pods' interfaces that are in no pair with one of the node; undefined if --pod-end rules them out. */
  readonly podDevices: PodDevices | undefined
  /** What --unmanaged ignore left out. */
  readonly unmanaged: UnmanagedFilter | undefined
  readonly connectionsLimit: number
  /** Entries of the connection table after the last flush. */
  connectionsUsed = 0
  /** Entries of the drop table after the last flush. */
  dropsUsed = 0
  readonly dropsLimit: number
  /** Entries of these with deferred counts, because an address is unresolved. */
  connectionsDeferred = 0
  /** Seconds spent, by step. */
  readonly seconds = { drain: 0, flush: 0 }
  readonly #object: BpfObject
  readonly #programs: KernelPrograms
  readonly #native: Native
  #features: readonly Feature[]
  readonly #conntrackOffset: ConntrackOffset
  readonly ipCache: IpCache
  readonly #network: NodeNetwork
  /** Numbers of the node's uplinks at the last change. */
  #uplinks = ''
  #unknownUplinks = ''
  readonly #nodeAddresses = new NodeAddresses()
  readonly #applyNames: (changes: EntityChanges) => void
  readonly #stale: StaleIds
  readonly #translations: Translations
  #dropLabels = 0
  #releaseTimer: NodeJS.Timeout | undefined
  readonly #sink: FlowSink
  /** The records go to the pods first. */
  readonly #records: RecordSink
  readonly #listener: LiveListener
  readonly #frames = new Uint8Array(FLUSH_BYTES)
  readonly #payload: PayloadFilter
  readonly #pass = new Uint8Array(PASS.size)
  readonly #passView = new DataView(this.#pass.buffer)
  readonly #timers: NodeJS.Timeout[]
  readonly #troubles = new Map<string, string>()
  #closed = false

  constructor(native: Native, entities: Entities, options: LiveOptions, sink: FlowSink, listener: LiveListener) {
    this.#native = native
    this.unmanaged = options.unmanaged === 'ignore' ? new UnmanagedFilter(sink) : undefined
    this.#sink = this.unmanaged ?? sink
    this.#records = this.#learning(this.#sink)
    this.#listener = listener
    this.#payload = new PayloadFilter(options.captureBytes)
    this.connectionsLimit = options.connections
    this.dropsLimit = options.dropKinds ?? DROP_KINDS
    this.#applyNames = changes => (listener.onNames ? listener.onNames(changes) : entities.apply(changes))
    const { identities: addresses = IP_CACHE_ENTRIES } = options
    this.#network = new NodeNetwork(native, options.netns, () => this.#networkChanged())
    let object: BpfObject | undefined
    try {
      this.#features = kernelFeatures(kernelFacts(native))
      this.ring = chooseRing(native, options.ring ?? 'auto', options.ringPages)
      this.#programs = kernelPrograms(native)
      object = openObject(native, options, addresses, this.ring, this.#programs)
      this.#object = object
      this.#conntrackOffset = new ConntrackOffset(native, object)
      this.#conntrackOffset.find()
      this.counters = new Counters(object, native.possibleCpus())
      this.#stale = new StaleIds(object, entities)
      this.#translations = new Translations(object, () => openConntrack(native, options.netns), entities)
      this.#nameAddresses()
      this.ipCache = new IpCache(object, entities, addresses)
      const { entityWaitMs = ENTITY_WAIT_MS } = options
      this.pods = new PodInterfaces(object, entities, entityWaitMs, () => performance.now())
      this.#publishEntities()
      object.openRing(this.ring.map, options.ringPages)
      this.#attachDrops()
      const isUplink = (ifindex: number) => this.#network.uplinks().has(ifindex)
      this.interfaces = new Interfaces(native, object, options, isUplink, {
        onError: (error, name) => listener.onError(error, `interface ${name}`),
        onReattached: (name, reason) => listener.onReattached?.(name, reason),
        onBehind: (name, behind) => listener.onBehind?.(name, behind),
        onCovered: () => listener.onCovered?.(),
      })
      this.podDevices = watchesPodEnds(options.podEnd)
        ? this.#watchPodDevices(native, object, options, entities)
        : undefined
      this.#publishEntities()
      this.#publishDropLabels()
    } catch (error) {
      this.#network.close()
      object?.close()
      throw error
    }
    this.#reportUplinks()
    this.#object.onRing(() => this.#try('drain', () => this.#drain()))
    this.#timers = [
      setInterval(() => this.#try('drain', () => this.#drain()), options.drainIntervalMs),
      setInterval(() => this.collect(), options.reportIntervalMs),
    ]
  }

  /** Without conntrack everything is counted, and a Service keeps its own name. */
  get trouble(): string | undefined {
    for (const [step, message] of this.#troubles) if (step !== 'conntrack') return `${step}: ${message}`
    return undefined
  }

  /** Whether the last run of a step succeeded. Steps: drain, flush, drops, ip_cache, conntrack. */
  up(step: string): boolean {
    return !this.#troubles.has(step)
  }

  /**
   * Reads everything that the programs have counted into the sink, then publishes the current names for new
   * connections.
   */
  collect(): void {
    if (this.#closed) return
    this.#try('drain', () => this.#drain())
    this.#try('flush', () => {
      this.#followConntrack()
      this.#flush()
    })
    this.publishNames()
  }

  /** Publishes the current names for new connections. Connections of stale entities are removed within a second. */
  publishNames(): void {
    if (this.#closed) return
    this.#try('ip_cache', () => this.#publishEntities())
    if (!this.#stale.unreleased) return
    this.#releaseTimer ??= setTimeout(() => {
      this.#releaseTimer = undefined
      this.collect()
    }, RELEASE_DELAY_MS)
  }

  /** Reuses entity ids: they are no longer stale. Call collect() first. */
  recycled(ids: readonly number[]): void {
    this.#try('ip_cache', () => this.#stale.clear(ids))
  }

  /** The loaded programs. The recursion misses of weir_drop exclude frees that weir_drop_nested counted. */
  programs(): ReturnType<BpfObject['programs']> {
    const nestedDrops = this.counters.totals.drops_nested.packets
    const [first, second] = this.#programs.drops
    return this.#object
      .programs()
      .filter(({ name }) => name !== second)
      .map(each =>
        each.name === first ? { ...each, recursionMisses: Math.max(0, each.recursionMisses - nestedDrops) } : each,
      )
  }

  ringLost(): number {
    return this.#object.ringLost()
  }

  /** Collects the remaining counts, detaches and releases everything. A second call does nothing. */
  close(): void {
    if (this.#closed) return
    for (const timer of this.#timers) clearInterval(timer)
    clearTimeout(this.#releaseTimer)
    this.#object.onRing(undefined)
    this.#network.close()
    this.interfaces.close()
    this.podDevices?.close()
    this.collect()
    this.#reportDeferred()
    this.#try('drain', () => this.#drain()) // packets reported during the flush
    this.#closed = true
    this.#translations.close()
    this.#object.close()
  }

  #watchPodDevices(native: Native, object: BpfObject, { netns }: LiveOptions, entities: Entities): PodDevices {
    const { attachments } = this.interfaces
    return new PodDevices(native, object, netns, {
      isPodInterface: ifindex => attachments.hookOf(ifindex) === Hook.pod,
      isLocalPod: address => entities.isLocalPod(entities.addresses.host(address)),
      uncovered: () => this.pods.coverage().uncovered,
      onError: (error, name) => this.#listener.onError(error, `interface ${name}`),
      onChanged: () => this.publishNames(),
      onReattached: name => this.#listener.onReattached?.(name, 'detached'),
    })
  }

  /** Times that the kernel dropped notifications of links, addresses or routes. */
  get notificationLosses(): number {
    return this.interfaces.losses + this.#network.losses
  }

  /** Bridges whose uplink may be taken for a pod's interface. */
  unknownUplinks(): readonly string[] {
    return this.#network.unknownUplinks()
  }

  /** What the kernel allows; nf_conntrack may be loaded later. */
  get features(): readonly Feature[] {
    return this.#features
  }

  #followConntrack(): void {
    if (!this.#conntrackOffset.find()) return
    const before = new Set(this.#features.map(featureText))
    this.#features = kernelFeatures(kernelFacts(this.#native))
    for (const feature of this.#features) if (!before.has(featureText(feature))) this.#listener.onFeature?.(feature)
  }

  /** Links, addresses or routes of the node changed. */
  #networkChanged(): void {
    this.#nameAddresses()
    this.publishNames()
    const uplinks = [...this.#network.uplinks()].sort().join()
    if (uplinks !== this.#uplinks) this.interfaces.recheck()
    this.#uplinks = uplinks
    this.#reportUplinks()
  }

  #reportUplinks(): void {
    const bridges = this.#network.unknownUplinks()
    if (bridges.join() !== this.#unknownUplinks) this.#listener.onUnknownUplinks?.(bridges)
    this.#unknownUplinks = bridges.join()
  }

  #nameAddresses(): void {
    const changes = this.#nodeAddresses.changes(this.#network.addresses())
    if (changes !== undefined) this.#applyNames(changes)
  }

  /** Reports counts that still wait for a name, under the names of now. */
  #reportDeferred(): void {
    if (this.connectionsDeferred === 0) return
    for (const closing of [Closing.lastAsk, Closing.lastReport]) {
      this.#passView.setUint32(PASS.closing, closing, true)
      this.#try('flush', () => this.#flush())
    }
  }

  #drain(): void {
    for (;;) {
      const length = this.#object.drain(this.#frames)
      if (length === 0) return
      this.#decode(length)
    }
  }

  #flush(): void {
    const { published } = this.#stale
    const startedMs = performance.now()
    this.connectionsUsed = this.#flushTable(this.#programs.flush, this.connectionsUsed)
    for (let round = 0; round < MAX_ROUNDS && this.#passView.getUint32(PASS.asked, true) > 0; round++) {
      this.#try('conntrack', () => this.#translations.answer())
      this.connectionsUsed = this.#flushTable(this.#programs.flush, this.connectionsUsed)
    }
    this.connectionsDeferred = this.#passView.getUint32(PASS.deferred, true)
    if (this.#isComplete()) {
      if (this.#passView.getUint32(PASS.stale, true) === 0) this.#stale.released(published)
      this.#listener.onFlushed?.(startedMs)
    }
    this.#publishDropLabels()
    this.dropsUsed = this.#flushTable(this.#programs.flushDrops, this.dropsUsed)
    this.counters.read(this.#sink)
  }

  /** Drops of all ports count together unless a label shows the port. */
  #publishDropLabels(): void {
    const labels = this.#sink.showsDropPort === true ? DropLabel.port : 0
    if (labels === this.#dropLabels) return
    this.#object.update('drop_labels', new Uint8Array(4), Uint8Array.of(labels, 0, 0, 0), 1)
    this.#dropLabels = labels
  }

  /** One pass of a flush program over its table with `entries` after the last pass; returns the number of entries that remain. */
  #flushTable(program: string, entries: number): number {
    const view = this.#passView
    view.setUint32(PASS.number, (view.getUint32(PASS.number, true) % PASSES) + 1, true)
    for (let runs = 0; runs < MAX_RUNS; runs++) {
      view.setUint32(PASS.entries, entries, true)
      view.setUint32(PASS.stale, this.#stale.any ? 1 : 0, true)
      this.#decode(this.#object.flush(program, 'flush_buffer', this.#pass, this.#frames))
      if (view.getUint32(PASS.full, true) === 0) break
    }
    return view.getUint32(PASS.entries, true)
  }

  /** The last pass covered its whole table. */
  #isComplete(): boolean {
    return this.#passView.getUint32(PASS.full, true) === 0
  }

  #publishEntities(): void {
    this.#stale.publish()
    // In the constructor no interface is watched yet.
    const interfaces = new Set([...(this.interfaces?.pods() ?? []), ...(this.podDevices?.numbers() ?? [])])
    this.pods.update(interfaces, this.#addressesByInterface())
    this.ipCache.publish()
    this.pods.publish()
  }

  *#addressesByInterface(): Generator<HostRoute> {
    yield* this.#network.hostRoutes()
    yield* this.podDevices?.addresses() ?? []
  }

  #decode(length: number): void {
    if (this.#listener.onFrames !== undefined) {
      this.#payload.apply(this.#frames, length)
      this.#listener.onFrames(this.#frames, length)
    }
    this.decoder.decode(this.#frames, length, this.#records)
  }

  /** HOT: one more call for a trace record. */
  #learning(sink: FlowSink): RecordSink {
    return {
      trace: record => {
        this.pods.see(record)
        sink.trace(record)
      },
      drop: record => sink.drop(record),
      verdict: record => sink.verdict(record),
    }
  }

  /** A failure is reported and not fatal: flows are counted without it. */
  #attachDrops(): void {
    this.#try('drops', () => {
      for (const program of this.#programs.drops) this.#object.attachTracing(program)
    })
  }

  #try(step: 'drain' | 'flush' | 'drops' | 'ip_cache' | 'conntrack', body: () => void): void {
    const start = performance.now()
    try {
      body()
      this.#troubles.delete(step)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
      const { message } = error as Error
      if (this.#troubles.get(step) !== message) this.#listener.onError(error as Error, step)
      this.#troubles.set(step, message)
    }
    if (step === 'drain' || step === 'flush') this.seconds[step] += (performance.now() - start) / 1000
  }
}

function openConntrack(native: Native, netns: string | undefined): Conntrack {
  const open = () => native.openConntrack()
  return new Conntrack(netns === undefined ? open() : native.inNamespace(netns, open))
}
