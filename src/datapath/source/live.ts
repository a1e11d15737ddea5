/**
 * live.ts - the source that stands on this machine's own interfaces.
 *
 * In:    the BPF object, who is who, which interfaces.
 * Out:   records of the ring and of sweeps to the decoder, other counts to the sink; all exact after collect().
 * Fail:  the constructor throws what the kernel says; later errors of the system stop a step, are kept in
 *        `trouble` and the step is tried again at its next turn.
 * Never: sweeps and drains at once: all of it is synchronous, so the series are of one moment.
 */
import { fileURLToPath } from 'node:url'
import type { Entities } from '../identity/entities.js'
import { FLUSH_BYTES, Hook, PASS, PASSES } from '../record/abi.js'
import { Decoder } from '../record/decode.js'
import { Counters } from './counters.js'
import { type InterfaceOptions, Interfaces, PROGRAMS } from './interfaces.js'
import { IDENTITIES, IdentityTrie } from './ip-cache.js'
import type { BpfObject, Native } from './native.js'
import type { FlowSink, Source } from './source.js'
import { StaleIds } from './stale-ids.js'

export const OBJECT_PATH = fileURLToPath(new URL('../../../dist/weir.bpf.o', import.meta.url))

export interface LiveOptions extends InterfaceOptions {
  /** Milliseconds between sweeps: the longest that a count waits in the kernel. */
  readonly reportIntervalMs: number
  /** Milliseconds between drains of a ring that has not reached its watermark, and between two examples of one kind of drop. */
  readonly drainIntervalMs: number
  /** Pages of each CPU's ring, a power of two. */
  readonly ringPages: number
  /** Entries of the connection table. */
  readonly connections: number
  /** Milliseconds that counts wait in the kernel for a name that may come. */
  readonly entityWaitMs?: number
  /** Entries of the trie of addresses. */
  readonly identities?: number
  /** Other knobs of the object (`const volatile` in bpf/), by name; tests shorten the idle times. */
  readonly knobs?: Readonly<Record<string, number>>
}

export interface LiveListener {
  /** Something failed that may be well again later. */
  onError(error: Error, what: string): void
  /** Frames as they came, before they are decoded: for recordings. Valid during the call. */
  onFrames?(frames: Uint8Array, length: number): void
}

/** Of one pass. Each tells 14,000 connections, so 16,777,216 are told by 1,200; what is left out waits for the next pass. */
const RUNS_MAX = 2000
const NS_PER_MS = 1_000_000
/** bpf/drop.h: in the order in which a freed packet meets them. */
const DROP_PROGRAMS = ['weir_drop', 'weir_drop_nested'] as const
/** Connections of pods that are gone: let go in sweeps so far apart. */
const LET_GO_MS = 1000

export class Live implements Source {
  readonly name = 'live'
  readonly decoder = new Decoder()
  readonly counters: Counters
  readonly interfaces: Interfaces
  readonly connectionsLimit: number
  /** Entries that the last sweep left in the table. */
  connectionsUsed = 0
  /** Of those, the ones whose counts waited for a name. */
  connectionsDeferred = 0
  /** Seconds spent, by step. */
  readonly seconds = { drain: 0, flush: 0 }
  readonly #object: BpfObject
  readonly identities: IdentityTrie
  readonly #stale: StaleIds
  #soon: NodeJS.Timeout | undefined
  readonly #sink: FlowSink
  readonly #listener: LiveListener
  readonly #frames = new Uint8Array(FLUSH_BYTES)
  readonly #pass = new Uint8Array(PASS.size)
  readonly #passView = new DataView(this.#pass.buffer)
  readonly #timers: NodeJS.Timeout[]
  readonly #troubles = new Map<string, string>()
  #closed = false

  constructor(native: Native, entities: Entities, options: LiveOptions, sink: FlowSink, listener: LiveListener) {
    this.#sink = sink
    this.#listener = listener
    this.connectionsLimit = options.connections
    const { identities = IDENTITIES } = options
    this.#object = native.openObject(OBJECT_PATH, {
      knobs: {
        drop_interval_ns: options.drainIntervalMs * NS_PER_MS,
        ...arrivedReasons(native),
        ...(options.entityWaitMs !== undefined && { entity_wait_ns: options.entityWaitMs * NS_PER_MS }),
        ...options.knobs,
      },
      sizes: { connections: options.connections, ip_cache: identities, ip_prefixes: identities },
      without: options.uplinks.length === 0 ? PROGRAMS[Hook.uplink] : [],
    })
    try {
      this.counters = new Counters(this.#object, native.possibleCpus())
      this.#stale = new StaleIds(this.#object, entities)
      this.identities = new IdentityTrie(this.#object, entities, identities)
      this.#tellIdentities()
      this.#object.openRing('events', options.ringPages)
      this.#attachDrops()
      this.interfaces = new Interfaces(native, this.#object, options, (error, link) =>
        listener.onError(error, `interface ${link.name}`),
      )
    } catch (error) {
      this.#object.close()
      throw error
    }
    this.#object.onRing(() => this.#try('drain', () => this.#drain()))
    this.#timers = [
      setInterval(() => this.#try('drain', () => this.#drain()), options.drainIntervalMs),
      setInterval(() => this.collect(), options.reportIntervalMs),
    ]
  }

  get trouble(): string | undefined {
    for (const [what, message] of this.#troubles) return `${what}: ${message}`
    return undefined
  }

  /** Whether a step works; steps: drain, flush, drops, ip_cache. */
  up(step: string): boolean {
    return !this.#troubles.has(step)
  }

  /** Everything that the programs have counted so far is in the sink when this returns; new connections get the names of now. */
  collect(): void {
    if (this.#closed) return
    this.#try('drain', () => this.#drain())
    this.#try('flush', () => this.#flush())
    this.tellNames()
  }

  /** The names of now for new connections; those that bear names of what is gone are let go within a second. */
  tellNames(): void {
    if (this.#closed) return
    this.#try('ip_cache', () => this.#tellIdentities())
    if (!this.#stale.held) return
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined
      this.collect()
    }, LET_GO_MS)
  }

  /** These numbers stand for others from now on; collect() came before. */
  recycled(rows: readonly number[]): void {
    this.#try('ip_cache', () => this.#stale.clear(rows))
  }

  /** What the programs left undone; a free that weir_drop missed and weir_drop_nested looked at is not among it. */
  programs(): ReturnType<BpfObject['programs']> {
    const again = this.counters.totals.drops_nested.packets
    const [first, second] = DROP_PROGRAMS
    return this.#object
      .programs()
      .filter(({ name }) => name !== second)
      .map(each =>
        each.name === first ? { ...each, recursionMisses: Math.max(0, each.recursionMisses - again) } : each,
      )
  }

  ringLost(): number {
    return this.#object.ringLost()
  }

  /** Detach, collect what is left, release all. Twice is fine. */
  close(): void {
    if (this.#closed) return
    for (const timer of this.#timers) clearInterval(timer)
    clearTimeout(this.#soon)
    this.#object.onRing(undefined)
    this.interfaces.close()
    this.collect()
    this.#closed = true
    this.#object.close()
  }

  #drain(): void {
    for (;;) {
      const length = this.#object.drain(this.#frames)
      if (length === 0) return
      this.#told(length)
    }
  }

  #flush(): void {
    const { told } = this.#stale
    this.connectionsUsed = this.#tell('weir_flush')
    this.connectionsDeferred = this.#passView.getUint32(PASS.deferred, true)
    if (this.#isWhole() && this.#passView.getUint32(PASS.stale, true) === 0) this.#stale.released(told)
    this.#tell('weir_flush_drops')
    this.counters.read(this.#sink)
  }

  /** One pass of a sweep program over its table; entries that it left there. */
  #tell(program: string): number {
    const view = this.#passView
    view.setUint32(PASS.number, (view.getUint32(PASS.number, true) % PASSES) + 1, true)
    for (let runs = 0; runs < RUNS_MAX; runs++) {
      view.setUint32(PASS.stale, this.#stale.some ? 1 : 0, true)
      this.#told(this.#object.flush(program, 'flush_buffer', this.#pass, this.#frames))
      if (view.getUint32(PASS.full, true) === 0) break
    }
    return view.getUint32(PASS.entries, true)
  }

  /** The last pass went over all of its table. */
  #isWhole(): boolean {
    return this.#passView.getUint32(PASS.full, true) === 0
  }

  #tellIdentities(): void {
    this.#stale.tell()
    this.identities.tell()
  }

  #told(length: number): void {
    this.#listener.onFrames?.(this.#frames, length)
    this.decoder.decode(this.#frames, length, this.#sink)
  }

  /** Without it Weir still counts flows: say so and go on. */
  #attachDrops(): void {
    this.#try('drops', () => {
      for (const program of DROP_PROGRAMS) this.#object.attachTracing(program)
    })
  }

  #try(step: 'drain' | 'flush' | 'drops' | 'ip_cache', body: () => void): void {
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

/** Knobs of bpf/drop.h: 0, which no drop has, on kernels that do not tell the reason apart. */
function arrivedReasons(native: Native): { queue_purge: number; no_socket: number } {
  const reasons = new Map(native.kernelEnum('skb_drop_reason').map(({ name, value }) => [name, value]))
  return {
    queue_purge: reasons.get('SKB_DROP_REASON_QUEUE_PURGE') ?? 0,
    no_socket: reasons.get('SKB_DROP_REASON_NO_SOCKET') ?? 0,
  }
}
