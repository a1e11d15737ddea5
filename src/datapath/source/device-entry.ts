// SPDX-License-Identifier: Apache-2.0
/**
 * device-entry.ts - one interface of a pod that is in no pair with one of the node: its place, its number, and its state.
 *
 * Never: makes a system call.
 */
import type { PodDevice } from './pod-device.js'

/** An interface, and whether it has the programs. */
export interface DeviceEntry extends PodDevice {
  readonly number: number
  readonly inode: number
  readonly path: string
  addresses: readonly string[]
  podAddresses: readonly string[]
  attachedMs: number | undefined
  failed: boolean
  retryAt: number
  pauseMs: number
}

export function isSame(device: PodDevice, entry: DeviceEntry): boolean {
  return device.ifindex === entry.ifindex && device.kind === entry.kind && device.parent === entry.parent
}

/** Returns whether they changed. */
export function updateAddresses(entry: DeviceEntry, { addresses, podAddresses }: PodDevice): boolean {
  const before = [entry.addresses, entry.podAddresses].join()
  entry.addresses = addresses
  entry.podAddresses = podAddresses
  return before !== [addresses, podAddresses].join()
}

export function keyOf({ inode, ifindex, name }: DeviceEntry): string {
  return `${inode} ${ifindex} ${name}`
}

/** `/run/netns/cni-1a2b` and `/proc/12/ns/net` as `cni-1a2b/eth0` and `pid-12/eth0`. */
export function nameOf({ path, name }: DeviceEntry): string {
  const place = path.replace(/^\/proc\/(\d+)\/.*/, 'pid-$1').replace(/^.*\//, '')
  return `${place}/${name}`
}

/** struct pod_end of bpf/pod_end.h. */
export function podEndKey({ inode, ifindex }: DeviceEntry): Uint8Array {
  return new Uint8Array(Uint32Array.of(inode, ifindex).buffer)
}

export function u32(number: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(number).buffer)
}
