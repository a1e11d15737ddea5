/**
 * native.ts - the addon with its types: one loaded BPF object, its ring and its tables.
 *
 * In:    what native/ exports; arguments are checked here, C++ checks what memory safety needs.
 * Fail:  an Error with .code ("EPERM") and .syscall ("bpf(BPF_PROG_LOAD)").
 * Never: looks inside a record.
 */
import { createRequire } from 'node:module'

/** How a program stands on an interface: a TCX link (6.6+) or a clsact filter. */
export type AttachMode = 'tcx' | 'tc'

export interface ObjectOptions {
  /** `const volatile` globals by name; set before load. 32-bit and 64-bit unsigned; arrays are not supported. */
  readonly knobs: Readonly<Record<string, number>>
  /** max_entries of maps by name, where it differs from the object's. */
  readonly sizes: Readonly<Record<string, number>>
}

/** One BPF object in the kernel. Everything it made goes with close(), or with the process. */
export interface BpfObject {
  /** Attach a tp_btf program by its function name. */
  attachTracing(program: string): void
  /**
   * Attach `ingress` and `egress` to an interface, first in their hook's order. `auto` tries tcx, then tc (clsact,
   * priority and handle of Weir's own; a filter of an earlier Weir there is replaced, anybody else's is an EEXIST).
   */
  attachInterface(ifindex: number, ingress: string, egress: string, mode: AttachMode | 'auto'): AttachMode
  /** Detach and forget; an interface that is gone, or was never attached, is fine. */
  detachInterface(ifindex: number): void
  /** Give every CPU a slot of `pages` pages (a power of two) in the perf event array; wakes at half full. */
  openRing(map: string, pages: number): void
  /** Whole frames (u32 size, then `size` bytes) of all CPUs, back to back; bytes written. Less than a frame of room left: call again. */
  drain(into: Uint8Array): number
  /** Called on the event loop when the ring passed its watermark; undefined stops it. */
  onRing(listener: (() => void) | undefined): void
  /** Records that perf says were lost: a cross-check of the datapath's own RING_FULL. */
  ringLost(): number
  /**
   * Run an iter/bpf_map_elem program over `map`, filling `into` with whole frames; bytes written.
   * A pass goes on over several calls; 0 ends it, and the next call starts a new one.
   */
  sweep(program: string, map: string, into: Uint8Array): number
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
  /** Ask for a dump of all links (answers arrive like notices). */
  dump(): void
  /** Bytes of whole messages; 0 when there is nothing to read. Throws ENOBUFS when the kernel lost notices: dump() again. */
  read(into: Uint8Array): number
  onReadable(listener: (() => void) | undefined): void
  close(): void
}

export interface Native {
  /** Read, set knobs and sizes, load. `log` gets the verifier's words when loading fails. */
  openObject(path: string, options: ObjectOptions): BpfObject
  /** Values and names of an enum of the running kernel's BTF, e.g. skb_drop_reason; empty when it has none. */
  kernelEnum(name: string): { name: string; value: number }[]
  possibleCpus(): number
  watchLinks(): LinkWatch
}

const require = createRequire(import.meta.url)

/** The addon, loaded when first asked for: commands that read recordings need no libbpf. */
export function loadNative(): Native {
  return require('../../native/build/Release/weir.node') as Native
}
