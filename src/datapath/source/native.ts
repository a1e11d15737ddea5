// SPDX-License-Identifier: Apache-2.0
/**
 * native.ts - the addon with its types: a loaded BPF object, its ring and its tables.
 *
 * In:    the exports of native/. Types, names and ranges are checked here (a TypeError or RangeError); sizes of keys and
 *        values are checked in C++, which knows them.
 * Fail:  an Error with .code ("EPERM") and .syscall ("bpf(BPF_PROG_LOAD)").
 * Never: parses a record.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** Attachment type of a program on an interface: a TCX link (6.6+) or a clsact filter. */
export type AttachMode = 'tcx' | 'tc'

/** What a check of an attached program found, in the order of native/hook.h. */
export const HOOK_STATES = [
  'attached',
  /** The link or filter is gone. */
  'detached',
  /** The clsact qdisc is gone, and its filters with it. */
  'qdisc_deleted',
  /** Another owner's program has its place: in the filter, or in the link. */
  'replaced',
  /** Another owner's program runs before it. */
  'not_first',
  /** Another owner's TCX program runs before the clsact filter; attaching again does not help. */
  'behind',
  /** The check of this interface failed. */
  'unchecked',
] as const
export type HookState = (typeof HOOK_STATES)[number]

export interface ObjectOptions {
  /** `const volatile` globals by name, set before the object is loaded: unsigned integers of 1 to 8 bytes, no arrays. */
  readonly knobs: Readonly<Record<string, number>>
  /** max_entries by name of map, where it differs from the object's. */
  readonly sizes: Readonly<Record<string, number>>
  /** Programs that are not loaded, because they are never attached or run: verifying a large one takes 0.1 s. */
  readonly without?: readonly string[]
  /** true: the error of a refused program has the verifier's log of each instruction, which takes several times as long. */
  readonly verifierLog?: boolean
}

/** The error of openObject() for a program that the kernel refuses. */
export interface Refusal extends NodeJS.ErrnoException {
  readonly program: string
  /** The verifier's last messages; with ObjectOptions.verifierLog up to 1 MiB. */
  readonly verifierLog: string
}

/** A BPF object in the kernel. Everything it made is released by close(), or when the process ends. */
export interface BpfObject {
  /** Attaches a tp_btf program, named by its function. */
  attachTracing(program: string): void
  /**
   * Attaches `ingress` and `egress` to an interface, first on their hooks; resolves to the type used. `auto` tries tcx,
   * then tc: a clsact filter. The first attach in a namespace removes the filters of crashed Weirs there. Attaching,
   * checking and detaching run on another thread, one after the other, because the kernel may block for long.
   */
  attachInterface(
    netns: string | undefined,
    ifindex: number,
    ingress: string,
    egress: string,
    mode: AttachMode | 'auto',
  ): Promise<AttachMode>
  /** Attaches again what a check found detached or not first. After a failure the interface is detached. */
  repairInterface(netns: string | undefined, ifindex: number): Promise<void>
  /** The state of each interface: of the first of its two hooks that is not `attached`. Throws if all checks failed. */
  checkInterfaces(netns: string | undefined, interfaces: readonly number[]): Promise<readonly HookState[]>
  /** Detaches both programs. A deleted interface, or one that was never attached, is no error. */
  detachInterface(netns: string | undefined, ifindex: number): Promise<void>
  /**
   * Attaches `ingress`, and `egress` if it is given, at an interface in the namespace at the path `netns`, by TCX; EINVAL
   * before 6.6. `number`, chosen by the caller, is for the other calls. Runs on another thread.
   */
  attachPodEnd(number: number, netns: string, ifindex: number, ingress: string, egress?: string): Promise<void>
  /** A number that is not attached is no error. */
  detachPodEnd(number: number): Promise<void>
  /** Whether all programs of a number are attached: not after the interface was deleted. */
  isPodEndAttached(number: number): boolean
  /**
   * Opens the ring: a perf event array, in which every CPU gets a buffer of `pages` pages (a power of two; its watermark
   * is half of that), or a BPF ring buffer, which has the size of its map.
   */
  openRing(map: string, pages: number): void
  /**
   * Writes whole frames (u32 size, then `size` bytes) of all CPUs, back to back, each on a multiple of 8; returns their
   * length. `into` has at least MAX_FRAME bytes. With less than that left over there may be more: call again.
   */
  drain(into: Uint8Array): number
  /**
   * Sets the listener: it is called on the event loop until the first drain(), then once each time the ring passes its
   * watermark. undefined removes it. A listener keeps the event loop alive; an exception of it is an uncaughtException.
   */
  onRing(listener: (() => void) | undefined): void
  /** Records lost by perf's own count: a cross-check of RING_FULL. */
  ringLost(): number
  /** Records above MAX_FRAME, which drain() skipped. */
  ringOversize(): number
  /**
   * Runs a program of type `syscall`, or `tc` with the argument as its packet, with `argument`, which it may change, and copies its output from the start of the
   * memory-mapped array map `from` to `into`; returns the length, which is what the program returned. `into` has room for
   * the whole value of the map.
   */
  flush(program: string, from: string, argument: Uint8Array, into: Uint8Array): number
  /**
   * Reads all entries of a map as key, value, key, value ...; returns their number. A per-CPU map has one value for each
   * possible CPU, each padded to 8 bytes. Throws ENOBUFS when they do not fit.
   */
  read(map: string, into: Uint8Array): number
  /** Inserts or replaces `count` entries, keys and values back to back. */
  update(map: string, keys: Uint8Array, values: Uint8Array, count: number): void
  /** Deletes `count` keys. Missing keys are no error. */
  remove(map: string, keys: Uint8Array, count: number): void
  /** BPF_PROG_TEST_RUN of a tc program: mean ns of a run, and what the program returned. */
  testRun(program: string, packet: Uint8Array, repeat: number): { ns: number; returned: number }
  /** By program: name, id, and runs refused by the kernel's recursion guard. */
  programs(): { name: string; id: number; verifiedInstructions: number; recursionMisses: number }[]
  /** A second call does nothing. */
  close(): void
}

/** rtnetlink, subscribed to the changes of one kind of object. Messages are raw nlmsghdr, back to back. */
export interface RtnetlinkWatch {
  /** Requests a dump of all objects. It arrives like notifications; during another dump the answer is NLMSG_ERROR, EBUSY. */
  dump(): void
  /**
   * Reads whole messages; returns their length, 0 when there are none. `into` has at least 64 KiB. Throws ENOBUFS when
   * the kernel dropped notifications: dump() again.
   */
  read(into: Uint8Array): number
  /** Sets the listener, called while there is something to read; undefined removes it. It keeps the event loop alive. */
  onReadable(listener: (() => void) | undefined): void
  close(): void
}

export interface NamespaceContents {
  readonly inode: number
  /** The id by which it knows the node's namespace; -1: by none. */
  readonly nodeId: number
  /** RTM_NEWLINK and RTM_NEWADDR of all its interfaces, raw nlmsghdr, back to back. */
  readonly messages: Uint8Array
}

export type NamespaceReading = NamespaceContents | { readonly error: NodeJS.ErrnoException }

/** Questions to conntrack of one network namespace. Messages are raw nlmsghdr, back to back. */
export interface ConntrackQuery {
  /** Sends requests in one datagram and reads the answers, each on a multiple of 4; returns their length. */
  query(request: Uint8Array, into: Uint8Array): number
  close(): void
}

export interface Native {
  /** Reads an object, sets knobs and sizes, and loads it. Throws a Refusal if the kernel refuses a program. */
  openObject(path: string, options: ObjectOptions): BpfObject
  /** Names and values of an enum in the BTF of the running kernel, e.g. skb_drop_reason; empty if it has none. */
  kernelEnum(name: string): { name: string; value: number }[]
  /** Byte offset of a field of a struct in the BTF of the running kernel, else of a module; undefined without it. */
  kernelField(struct: string, field: string, module: string): number | undefined
  /** Whether the kernel's BTF has a function, e.g. a kfunc. */
  kernelHasFunction(name: string): boolean
  possibleCpus(): number
  /** For the network namespace of the caller, also after the caller has left it. Throws without nfnetlink. */
  openConntrack(): ConntrackQuery
  /** The kernel's error code when this process opens a perf event, e.g. EACCES; undefined if it may. */
  perfRefusal(): string | undefined
  /** The ids by which the caller's network namespace knows the namespaces at these paths; -1: by none, or no namespace. */
  netnsIds(paths: readonly string[]): Int32Array
  /** Reads the interfaces and addresses in the namespaces at these paths, on another thread. Needs CAP_SYS_ADMIN. */
  readNamespaces(netns: string | undefined, paths: readonly string[]): Promise<readonly NamespaceReading[]>
  /** Watches links in the network namespace of the caller, also after the caller has left it. */
  watchLinks(): RtnetlinkWatch
  /** With the notices of qdiscs and filters. */
  watchLinksAndFilters(): RtnetlinkWatch
  /** The same for the addresses of interfaces. */
  watchAddresses(): RtnetlinkWatch
  /** The same for routes. */
  watchRoutes(): RtnetlinkWatch
  /** The same for neighbours; `family` 7 (AF_BRIDGE): a dump has the forwarding entries of bridges. */
  watchNeighbours(family: number): RtnetlinkWatch
  /**
   * Runs `body` in another network namespace, e.g. /run/netns/x: interface numbers and watchLinks() refer to that one.
   * `body` is synchronous and starts nothing asynchronous, because this thread moves, and with it every thread that it
   * starts meanwhile. Aborts the process if the thread cannot return.
   */
  inNamespace<T>(path: string, body: () => T): T
}

/** The largest frame that drain() delivers, in bytes; as kMaxFrame in native/ring.h. */
export const MAX_FRAME = 2048

interface RawWatch extends Omit<RtnetlinkWatch, 'dump'> {
  /** `request`: one of RTM_GET*; `family`: AF_*, 0 for all. */
  dump(request: number, family: number): void
}

/** BpfObject as the addon has it: without checks, and with states as numbers. */
interface RawObject extends Omit<BpfObject, 'checkInterfaces'> {
  checkInterfaces(netns: string | undefined, interfaces: Int32Array): Promise<Uint8Array>
}

/** Exports of the addon: the same, without checks. */
interface Addon {
  readonly BpfObject: new (
    path: string,
    knobs: ObjectOptions['knobs'],
    sizes: ObjectOptions['sizes'],
    without: readonly string[],
    verifierLog: boolean,
  ) => RawObject
  readonly RtnetlinkWatch: new (groups: number) => RawWatch
  readonly ConntrackQuery: new () => ConntrackQuery
  readonly kernelEnum: Native['kernelEnum']
  readonly kernelField: Native['kernelField']
  readonly kernelHasFunction: Native['kernelHasFunction']
  readonly possibleCpus: Native['possibleCpus']
  readonly perfRefusal: Native['perfRefusal']
  readonly netnsIds: Native['netnsIds']
  readonly readNamespaces: Native['readNamespaces']
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

function path(what: string, value: string | undefined): string | undefined {
  return value === undefined ? undefined : string(what, value)
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

function checkedObject(raw: RawObject): BpfObject {
  return {
    attachTracing: program => raw.attachTracing(string('attachTracing', program)),
    attachInterface(netns, ifindex, ingress, egress, mode) {
      const what = 'attachInterface'
      if (mode !== 'auto' && mode !== 'tcx' && mode !== 'tc')
        throw new TypeError(`${what}: unknown mode ${String(mode)}`)
      return raw.attachInterface(
        path(what, netns),
        integer(what, ifindex, 1, INT32_MAX),
        string(what, ingress),
        string(what, egress),
        mode,
      )
    },
    repairInterface: (netns, ifindex) =>
      raw.repairInterface(path('repairInterface', netns), integer('repairInterface', ifindex, 1, INT32_MAX)),
    async checkInterfaces(netns, interfaces) {
      const what = 'checkInterfaces'
      const numbers = Int32Array.from(interfaces, ifindex => integer(what, ifindex, 1, INT32_MAX))
      const states = await raw.checkInterfaces(path(what, netns), numbers)
      return Array.from(states, state => HOOK_STATES[state] ?? 'detached')
    },
    detachInterface: (netns, ifindex) =>
      raw.detachInterface(path('detachInterface', netns), integer('detachInterface', ifindex, 1, INT32_MAX)),
    attachPodEnd(number, netns, ifindex, ingress, egress) {
      const what = 'attachPodEnd'
      integer(what, number, 1, UINT32_MAX)
      integer(what, ifindex, 1, INT32_MAX)
      return raw.attachPodEnd(number, string(what, netns), ifindex, string(what, ingress), path(what, egress))
    },
    detachPodEnd: number => raw.detachPodEnd(integer('detachPodEnd', number, 1, UINT32_MAX)),
    isPodEndAttached: number => raw.isPodEndAttached(integer('isPodEndAttached', number, 1, UINT32_MAX)),
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

/** RTMGRP_* and RTM_GET* of linux/rtnetlink.h. */
const LINKS = { groups: 0x1, request: 18 }
const LINKS_AND_FILTERS = { groups: LINKS.groups | 0x8, request: LINKS.request }
const ADDRESSES = { groups: 0x10 | 0x100, request: 22 }
const ROUTES = { groups: 0x40 | 0x400, request: 26 }
const NEIGHBOURS = { groups: 0x4, request: 30 }

function checkedWatch(raw: RawWatch, request: number, family: number): RtnetlinkWatch {
  return {
    dump: () => raw.dump(request, family),
    read: into => raw.read(bytes('read', into)),
    onReadable: call => raw.onReadable(listener('onReadable', call)),
    close: () => raw.close(),
  }
}

const require = createRequire(import.meta.url)

/** The addon of `make build`, or else the one that the npm package has for this machine. */
function addonPath(): string {
  const native = new URL('../../../native/', import.meta.url)
  const machine = `${process.platform}-${process.arch}`
  const paths = ['build/Release/weir.node', `prebuilt/${machine}/weir.node`].map(path =>
    fileURLToPath(new URL(path, native)),
  )
  const path = paths.find(existsSync)
  if (path === undefined)
    throw new Error(`no addon for ${machine}: the package has linux-x64 and linux-arm64; others run make build`)
  return path
}

/** Loads the addon at the first call: commands that read recordings need no libbpf. */
export function loadNative(): Native {
  const addon = require(addonPath()) as Addon
  const watch = ({ groups, request }: typeof LINKS, family = 0) =>
    checkedWatch(new addon.RtnetlinkWatch(groups), request, family)
  return {
    openObject(path, { knobs, sizes, without = [], verifierLog = false }) {
      settings('knob', knobs, 0, Number.MAX_SAFE_INTEGER)
      settings('size', sizes, 1, UINT32_MAX)
      for (const program of without) string('openObject without', program)
      return checkedObject(new addon.BpfObject(string('openObject', path), knobs, sizes, without, verifierLog))
    },
    kernelEnum: name => addon.kernelEnum(string('kernelEnum', name)),
    kernelField: (struct, field, module) =>
      addon.kernelField(
        string('kernelField struct', struct),
        string('kernelField field', field),
        string('kernelField module', module),
      ),
    kernelHasFunction: name => addon.kernelHasFunction(string('kernelHasFunction', name)),
    possibleCpus: () => addon.possibleCpus(),
    openConntrack() {
      const raw = new addon.ConntrackQuery()
      return {
        query: (request, into) => raw.query(bytes('query request', request), bytes('query into', into)),
        close: () => raw.close(),
      }
    },
    perfRefusal: () => addon.perfRefusal(),
    netnsIds(paths) {
      for (const each of paths) string('netnsIds', each)
      return addon.netnsIds(paths)
    },
    readNamespaces(netns, paths) {
      for (const each of paths) string('readNamespaces', each)
      return addon.readNamespaces(path('readNamespaces', netns), paths)
    },
    watchLinks: () => watch(LINKS),
    watchLinksAndFilters: () => watch(LINKS_AND_FILTERS),
    watchAddresses: () => watch(ADDRESSES),
    watchRoutes: () => watch(ROUTES),
    watchNeighbours: family => watch(NEIGHBOURS, integer('watchNeighbours', family, 0, 255)),
    inNamespace(path, body) {
      if (typeof body !== 'function') throw new TypeError('inNamespace: expected a function')
      return addon.inNamespace(string('inNamespace', path), body)
    },
  }
}
