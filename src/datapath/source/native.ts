/**
 * native.ts - the addon with its types: one loaded BPF object, its ring and its tables.
 *
 * In:    what native/ exports; types, names and ranges are checked here (a TypeError or RangeError), sizes
 *        against the object in C++, which knows them.
 * Fail:  an Error with .code ("EPERM") and .syscall ("bpf(BPF_PROG_LOAD)").
 * Never: looks inside a record.
 */
import { createRequire } from 'node:module'

/** How a program stands on an interface: a TCX link (6.6+) or a clsact filter. */
export type AttachMode = 'tcx' | 'tc'

export interface ObjectOptions {
  /** `const volatile` globals by name; set before load. Unsigned integers of 1 to 8 bytes; arrays are not supported. */
  readonly knobs: Readonly<Record<string, number>>
  /** max_entries of maps by name, where it differs from the object's. */
  readonly sizes: Readonly<Record<string, number>>
  /** Programs that are not loaded: nobody is going to attach or run them, and verifying a large one takes 0.1 s. */
  readonly without?: readonly string[]
}

/** One BPF object in the kernel. Everything it made goes with close(), or with the process. */
export interface BpfObject {
  /** Attach a tp_btf program by its function name. */
  attachTracing(program: string): void
  /**
   * Attach `ingress` and `egress` to an interface, first in their hook's order. `auto` tries tcx, then tc (clsact,
   * priority and handle of Weir's own; a filter of an earlier Weir there is replaced, anybody else's is an EEXIST).
   * By tcx an earlier Weir's filters there are removed.
   */
  attachInterface(ifindex: number, ingress: string, egress: string, mode: AttachMode | 'auto'): AttachMode
  /** Detach and forget; an interface that is gone, or was never attached, is fine. */
  detachInterface(ifindex: number): void
  /** Give every CPU a slot of `pages` pages (a power of two) in the perf event array; wakes at half full. */
  openRing(map: string, pages: number): void
  /**
   * Whole frames (u32 size, then `size` bytes) of all CPUs, back to back, each on a multiple of 8; bytes written.
   * `into` has at least MAX_FRAME bytes; less than that left over: there may be more, call again.
   */
  drain(into: Uint8Array): number
  /**
   * Called on the event loop until the first drain(), then once each time the ring passed its watermark;
   * undefined stops it.
   * A listener keeps the event loop alive. What it throws is an uncaughtException.
   */
  onRing(listener: (() => void) | undefined): void
  /** Records that perf says were lost: a cross-check of the datapath's own RING_FULL. */
  ringLost(): number
  /** Records above MAX_FRAME, which drain() had to leave out. */
  ringOversize(): number
  /**
   * Run a program of type `syscall` with `argument`, which it may change, and copy what it left at the start of the
   * array map `from`, which can be mapped into memory, to `into`; bytes, as the program returned. `into` has room for
   * the map's whole value.
   */
  flush(program: string, from: string, argument: Uint8Array, into: Uint8Array): number
  /** All entries of a map: key, then value (for a per-CPU map one value for each possible CPU, each padded to 8). Entries written; throws ENOBUFS when they do not fit. */
  read(map: string, into: Uint8Array): number
  /** Insert or replace `count` entries, keys and values back to back. */
  update(map: string, keys: Uint8Array, values: Uint8Array, count: number): void
  /** Delete `count` keys; a missing key is fine. */
  remove(map: string, keys: Uint8Array, count: number): void
  /** BPF_PROG_TEST_RUN of a tc program: mean ns a run, and what the program returned. */
  testRun(program: string, packet: Uint8Array, repeat: number): { ns: number; returned: number }
  /** Per program: name, id, and runs refused by the kernel's recursion guard. */
  programs(): { name: string; id: number; recursionMisses: number }[]
  /** Twice is fine. */
  close(): void
}

/** rtnetlink, subscribed to link changes. Messages are raw nlmsghdr, back to back. */
export interface LinkWatch {
  /** Ask for a dump of all links (answers arrive like notices; while one is under way the answer is NLMSG_ERROR, EBUSY). */
  dump(): void
  /**
   * Bytes of whole messages; 0 when there is nothing to read. `into` has at least 64 KiB.
   * Throws ENOBUFS when the kernel lost notices: dump() again.
   */
  read(into: Uint8Array): number
  /** Called for as long as there is something to read; undefined stops it. A listener keeps the event loop alive. */
  onReadable(listener: (() => void) | undefined): void
  close(): void
}

export interface Native {
  /** Read, set knobs and sizes, leave programs out, load. When loading fails, the verifier's last words follow the message's first line. */
  openObject(path: string, options: ObjectOptions): BpfObject
  /** Values and names of an enum of the running kernel's BTF, e.g. skb_drop_reason; empty when it has none. */
  kernelEnum(name: string): { name: string; value: number }[]
  possibleCpus(): number
  /** In the network namespace of the caller, then for good. */
  watchLinks(): LinkWatch
  /**
   * Run `body` in another network namespace, e.g. /run/netns/x, so that interface numbers and watchLinks() are those
   * of that one. `body` is synchronous and starts nothing asynchronous: it moves this thread, and threads made
   * meanwhile. Aborts the process when the way back fails.
   */
  inNamespace<T>(path: string, body: () => T): T
}

/** The largest frame that drain() passes on, in bytes; native/ring.h has the same. */
export const MAX_FRAME = 2048

/** What the addon itself exports: the same, unchecked. */
interface Addon {
  readonly BpfObject: new (
    path: string,
    knobs: ObjectOptions['knobs'],
    sizes: ObjectOptions['sizes'],
    without: readonly string[],
  ) => BpfObject
  readonly LinkWatch: new () => LinkWatch
  readonly kernelEnum: Native['kernelEnum']
  readonly possibleCpus: Native['possibleCpus']
  readonly inNamespace: Native['inNamespace']
}

const UINT32_MAX = 2 ** 32 - 1
const INT32_MAX = 2 ** 31 - 1

function string(what: string, value: string): string {
  if (typeof value !== 'string' || value === '' || value.includes('\0')) {
    throw new TypeError(`${what}: expected a name, got ${JSON.stringify(value)}`)
  }
  return value
}

function integer(what: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new RangeError(`${what}: expected an integer from ${least} to ${most}, got ${String(value)}`)
}

function bytes(what: string, value: Uint8Array): Uint8Array {
  if (value instanceof Uint8Array) return value
  throw new TypeError(`${what}: expected a Uint8Array`)
}

function listener(what: string, value: (() => void) | undefined): (() => void) | undefined {
  if (value === undefined || typeof value === 'function') return value
  throw new TypeError(`${what}: expected a function or undefined`)
}

function settings(what: string, values: Readonly<Record<string, number>>, least: number, most: number) {
  for (const [name, value] of Object.entries(values)) integer(`${what} ${name}`, value, least, most)
  return values
}

function checkedObject(raw: BpfObject): BpfObject {
  return {
    attachTracing: program => raw.attachTracing(string('attachTracing', program)),
    attachInterface(ifindex, ingress, egress, mode) {
      const what = 'attachInterface'
      if (mode !== 'auto' && mode !== 'tcx' && mode !== 'tc')
        throw new TypeError(`${what}: unknown mode ${String(mode)}`)
      return raw.attachInterface(
        integer(what, ifindex, 1, INT32_MAX),
        string(what, ingress),
        string(what, egress),
        mode,
      )
    },
    detachInterface: ifindex => raw.detachInterface(integer('detachInterface', ifindex, 1, INT32_MAX)),
    openRing: (map, pages) => raw.openRing(string('openRing', map), integer('openRing pages', pages, 1, 1 << 16)),
    drain: into => raw.drain(bytes('drain', into)),
    onRing: call => raw.onRing(listener('onRing', call)),
    ringLost: () => raw.ringLost(),
    ringOversize: () => raw.ringOversize(),
    flush: (program, from, argument, into) =>
      raw.flush(string('flush', program), string('flush', from), bytes('flush', argument), bytes('flush', into)),
    read: (map, into) => raw.read(string('read', map), bytes('read', into)),
    update(map, keys, values, count) {
      integer('update count', count, 0, UINT32_MAX)
      raw.update(string('update', map), bytes('update keys', keys), bytes('update values', values), count)
    },
    remove(map, keys, count) {
      raw.remove(string('remove', map), bytes('remove keys', keys), integer('remove count', count, 0, UINT32_MAX))
    },
    testRun(program, packet, repeat) {
      integer('testRun repeat', repeat, 1, INT32_MAX)
      return raw.testRun(string('testRun', program), bytes('testRun packet', packet), repeat)
    },
    programs: () => raw.programs(),
    close: () => raw.close(),
  }
}

function checkedLinks(raw: LinkWatch): LinkWatch {
  return {
    dump: () => raw.dump(),
    read: into => raw.read(bytes('read', into)),
    onReadable: call => raw.onReadable(listener('onReadable', call)),
    close: () => raw.close(),
  }
}

const require = createRequire(import.meta.url)

/** The addon, loaded when first asked for: commands that read recordings need no libbpf. */
export function loadNative(): Native {
  const addon = require('../../../native/build/Release/weir.node') as Addon
  return {
    openObject(path, { knobs, sizes, without = [] }) {
      settings('knob', knobs, 0, Number.MAX_SAFE_INTEGER)
      settings('size', sizes, 1, UINT32_MAX)
      for (const program of without) string('openObject without', program)
      return checkedObject(new addon.BpfObject(string('openObject', path), knobs, sizes, without))
    },
    kernelEnum: name => addon.kernelEnum(string('kernelEnum', name)),
    possibleCpus: () => addon.possibleCpus(),
    watchLinks: () => checkedLinks(new addon.LinkWatch()),
    inNamespace(path, body) {
      if (typeof body !== 'function') throw new TypeError('inNamespace: expected a function')
      return addon.inNamespace(string('inNamespace', path), body)
    },
  }
}
