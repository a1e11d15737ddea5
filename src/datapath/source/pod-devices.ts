// SPDX-License-Identifier: Apache-2.0
/**
 * pod-devices.ts - attaches the programs to interfaces of pods that are in no pair with an interface of the node: macvlan,
 * ipvlan, hardware.
 *
 * In:    the namespaces of the machine, read from time to time. Needs CAP_SYS_ADMIN to enter them.
 * Out:   TCX links in the pods' namespaces. Each interface has a number that is none of the kernel's.
 * Fail:  a failed attach is counted, passed to `onError` once for each cause, and retried. A kernel without TCX, or a
 *        missing capability, ends all attempts.
 * Never: attaches clsact filters in a namespace that is not Weir's: they would outlive it.
 */
import { type DeviceEntry, isSame, keyOf, nameOf, podEndKey, u32, updateAddresses } from './device-entry.js'
import { DeviceParents } from './device-parents.js'
import { type Namespace, NamespaceList } from './namespace-list.js'
import type { BpfObject, NamespaceContents, Native } from './native.js'
import { FIRST_DEVICE_NUMBER, type NodeView, type PodDevice, podDevices } from './pod-device.js'
import { OWN_NETNS } from './pod-ends.js'
import type { HostRoute } from './pod-interfaces.js'

export interface PodDevicesListener extends NodeView {
  onError(error: Error, name: string): void
  /** Interfaces or their addresses have changed; called before a new interface is attached to. */
  onChanged(): void
  /** Another program detached those of an interface, and they are attached again. */
  onReattached(name: string): void
  /** Pods of this node without a watched interface. */
  uncovered(): readonly string[]
}

export interface WatchedDevice {
  readonly number: number
  /** The namespace's file, then the interface: `cni-1a2b/net1`. */
  readonly name: string
  readonly kind: string
  /** When it was attached to; undefined: it is not. */
  readonly attachedMs: number | undefined
}

/** Ingress and egress. */
export const DEVICE_PROGRAMS = ['weir_device_in', 'weir_device_out'] as const
const TICK_MS = 250
/** Between two looks at the links of all interfaces. */
const CHECK_MS = 1000
/** Pause after a failed attach; it doubles. */
const RETRY_MS = [1000, 60_000] as const
/** Errors of BPF_LINK_CREATE that no later attempt would not meet: no TCX (before 6.6). */
const NO_TCX: readonly (string | undefined)[] = ['EINVAL', 'EOPNOTSUPP']
const PRESENT = Uint8Array.of(1)

export class PodDevices {
  /** Failed attaches. */
  errors = 0
  /** Programs attached again. */
  reattached = 0
  /** Why none is attached any more; undefined while attempts continue. */
  refused: string | undefined
  readonly #native: Native
  readonly #object: BpfObject
  readonly #netns: string | undefined
  readonly #listener: PodDevicesListener
  readonly #namespaces: NamespaceList
  readonly #entries = new Map<number, DeviceEntry>()
  readonly #parents: DeviceParents
  /** Interfaces whose links this review found detached: `inode ifindex name`. */
  readonly #lost = new Set<string>()
  /** Message of the last error, by namespace and interface. */
  readonly #faults = new Map<string, string>()
  readonly #timer: NodeJS.Timeout
  #nextNumber = FIRST_DEVICE_NUMBER
  #checkedMs = 0
  #started = false
  #running = false
  #closed = false

  constructor(native: Native, object: BpfObject, netns: string | undefined, listener: PodDevicesListener) {
    this.#native = native
    this.#object = object
    this.#netns = netns
    this.#listener = listener
    this.#namespaces = new NamespaceList(netns ?? OWN_NETNS)
    this.#parents = new DeviceParents(object, netns ?? OWN_NETNS, () => this.#nextNumber++)
    this.#timer = setInterval(() => void this.#tick(), TICK_MS)
    void this.#tick()
  }

  /** The first attempts are not over. */
  get isStarting(): boolean {
    return !this.#started
  }

  list(): readonly WatchedDevice[] {
    return [...this.#entries.values()].map(entry => ({
      number: entry.number,
      name: nameOf(entry),
      kind: entry.kind || 'hardware',
      attachedMs: entry.attachedMs,
    }))
  }

  /** Those that have the programs. */
  get count(): number {
    return this.list().filter(({ attachedMs }) => attachedMs !== undefined).length
  }

  /** Those that do not have the programs yet, and may get them. */
  get pending(): number {
    return this.refused === undefined ? this.#entries.size - this.count : 0
  }

  attached(number: number): { readonly name: string; readonly attachedMs: number } | undefined {
    const entry = this.#entries.get(number)
    return entry?.attachedMs === undefined ? undefined : { name: nameOf(entry), attachedMs: entry.attachedMs }
  }

  /** Numbers of those that have the programs, or will have them unless the first attempt fails. */
  numbers(): number[] {
    const entries = this.refused === undefined ? [...this.#entries.values()] : []
    return entries.flatMap(({ number, failed }) => (failed ? [] : [number]))
  }

  /** The addresses that show which pod an interface is of. */
  *addresses(): Generator<HostRoute> {
    for (const { number, podAddresses } of this.#entries.values())
      for (const address of podAddresses) yield { address, ifindex: number }
  }

  /** Ends the attempts. The programs stay attached until the object is closed. */
  close(): void {
    this.#closed = true
    clearInterval(this.#timer)
  }

  async #tick(): Promise<void> {
    if (this.#running || this.#closed || this.refused !== undefined) return
    this.#running = true
    try {
      await this.#review(performance.now())
    } catch (error) {
      this.#failed(error as NodeJS.ErrnoException, 'namespaces')
    }
    this.#running = false
    this.#started = true
  }

  async #review(now: number): Promise<void> {
    this.#namespaces.refresh(now, this.#listener.uncovered())
    let changed = this.#removeGone(now)
    const due = this.#namespaces.due(now)
    const paths = due.map(({ path }) => path)
    const readings = due.length === 0 ? [] : await this.#native.readNamespaces(this.#netns, paths)
    for (const [i, reading] of readings.entries()) {
      const namespace = due[i]!
      namespace.readMs = now
      if ('error' in reading) this.#unreadable(reading.error)
      else if (reading.inode === namespace.inode) changed = this.#take(namespace, reading) || changed
    }
    if (changed && !this.#closed) this.#listener.onChanged()
    await this.#attachAll()
    this.#lost.clear() // the others were deleted
  }

  /** Another user's process, or a namespace that is gone by now, is no error. */
  #unreadable(error: NodeJS.ErrnoException): void {
    if (error.syscall !== 'setns' || error.code !== 'EPERM') return
    this.#failed(error, 'namespaces')
    this.refused = error.message
  }

  /** Removes interfaces whose namespace or link is gone. Returns whether there were any. */
  #removeGone(now: number): boolean {
    const checks = now - this.#checkedMs >= CHECK_MS
    if (checks) this.#checkedMs = now
    let changed = false
    for (const entry of [...this.#entries.values()]) {
      const detached = checks && entry.attachedMs !== undefined && !this.#object.isPodEndAttached(entry.number)
      if (!detached && this.#namespaces.has(entry.inode)) continue
      this.#remove(entry)
      changed = true
      if (!detached) continue
      this.#lost.add(keyOf(entry))
      this.#namespaces.expire(entry.inode)
    }
    return changed
  }

  /** Brings the interfaces of a namespace up to date. Returns whether something changed. */
  #take(namespace: Namespace, contents: NamespaceContents): boolean {
    const known = [...this.#entries.values()].filter(({ inode }) => inode === namespace.inode)
    const found = podDevices(contents, this.#listener)
    let changed = false
    for (const entry of known) {
      if (found.some(device => isSame(device, entry))) continue
      this.#remove(entry)
      changed = true
    }
    for (const device of found) {
      const entry = known.find(each => isSame(device, each))
      if (entry === undefined) this.#add(namespace, device)
      else if (!updateAddresses(entry, device)) continue
      changed = true
    }
    return changed
  }

  #add({ inode, path }: Namespace, device: PodDevice): void {
    const number = this.#nextNumber++
    const entry = {
      ...device,
      number,
      inode,
      path,
      attachedMs: undefined,
      failed: false,
      retryAt: 0,
      pauseMs: RETRY_MS[0],
    }
    // The tables first: the programs find the interface from its first packet on.
    this.#object.update('pod_ends', podEndKey(entry), u32(number), 1)
    this.#object.update('pod_namespaces', u32(inode), PRESENT, 1)
    this.#entries.set(number, entry)
  }

  #remove(entry: DeviceEntry): void {
    const { number, inode } = entry
    this.#entries.delete(number)
    this.#faults.delete(nameOf(entry))
    if (entry.attachedMs !== undefined) void this.#object.detachPodEnd(number)
    const rest = [...this.#entries.values()].filter(each => each.inode === inode)
    if (!rest.some(({ ifindex }) => ifindex === entry.ifindex)) this.#object.remove('pod_ends', podEndKey(entry), 1)
    if (rest.length === 0) this.#object.remove('pod_namespaces', u32(inode), 1)
    this.#object.update('gone_interfaces', u32(number), PRESENT, 1)
  }

  async #attachAll(): Promise<void> {
    for (const entry of [...this.#entries.values()]) {
      if (this.#closed || this.refused !== undefined) return
      if (entry.attachedMs === undefined && performance.now() >= entry.retryAt) await this.#attach(entry)
    }
    if (this.#closed) return
    const attached = [...this.#entries.values()].filter(({ attachedMs }) => attachedMs !== undefined)
    await this.#parents.update(attached, (error, name) => this.#failed(error, name))
  }

  async #attach(entry: DeviceEntry): Promise<void> {
    const { number, path, ifindex } = entry
    try {
      await this.#object.attachPodEnd(number, path, ifindex, ...DEVICE_PROGRAMS)
    } catch (error) {
      entry.retryAt = performance.now() + entry.pauseMs
      entry.pauseMs = Math.min(2 * entry.pauseMs, RETRY_MS[1])
      const { code, message } = error as NodeJS.ErrnoException
      if (NO_TCX.includes(code)) this.refused = `${message}: needs Linux 6.6`
      this.#failed(error as NodeJS.ErrnoException, nameOf(entry))
      this.#setFailed(entry, true)
      return
    }
    if (this.#entries.get(number) !== entry) {
      if (!this.#closed) void this.#object.detachPodEnd(number)
      return
    }
    entry.attachedMs = performance.now()
    this.#setFailed(entry, false)
    if (!this.#lost.delete(keyOf(entry))) return
    this.reattached++
    this.#listener.onReattached(nameOf(entry))
  }

  #setFailed(entry: DeviceEntry, failed: boolean): void {
    if (entry.failed === failed || this.#closed) return
    entry.failed = failed
    this.#listener.onChanged()
  }

  #failed(error: NodeJS.ErrnoException, name: string): void {
    if (error.syscall === undefined) throw error
    // The pod is being deleted, or Weir stops.
    if (error.code === 'ENODEV' || error.code === 'ENOENT' || error.code === 'ECANCELED') return
    this.errors++
    if (error.message !== this.#faults.get(name)) this.#listener.onError(error, name)
    this.#faults.set(name, error.message)
  }
}
