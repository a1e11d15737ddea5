// SPDX-License-Identifier: Apache-2.0
/**
 * object.ts - the BPF object for the running kernel, with its knobs and table sizes.
 *
 * In:    the settings of the datapath; the kernel's BTF.
 * Out:   a loaded object without the programs that are never attached.
 * Fail:  throws the kernel's error, or that of a network namespace that does not exist.
 */
import { readFileSync, statSync } from 'node:fs'
import { Hook } from '../record/abi.js'
import { L3_PROGRAMS, PROGRAMS } from './attachments.js'
import { L3S_PROGRAM } from './device-parents.js'
import type { InterfaceOptions } from './interfaces.js'
import type { KernelPrograms } from './kernel-programs.js'
import { loadObject } from './load.js'
import type { BpfObject, Native } from './native.js'
import { DEVICE_PROGRAMS } from './pod-devices.js'
import { OWN_NETNS, POD_END_PROGRAMS, watchesPodEnds } from './pod-ends.js'
import type { Ring } from './ring.js'

export interface DatapathOptions extends InterfaceOptions {
  /** Milliseconds between drains of a ring below its watermark, and between two sampled packets of one kind of drop. */
  readonly drainIntervalMs: number
  /** Entries of the connection table. */
  readonly connections: number
  /** Entries of the drop table; default DROP_KINDS. */
  readonly dropKinds?: number
  /** Milliseconds that the kernel defers the counts of an unresolved address. */
  readonly entityWaitMs?: number
  /** Other `const volatile` globals of the object by name; tests shorten the idle timeouts. */
  readonly knobs?: Readonly<Record<string, number>>
}

/** As in bpf/drop_table.h. */
export const DROP_KINDS = 8192

const NS_PER_MS = 1_000_000
const PORT_RANGE = '/proc/sys/net/ipv4/ip_local_port_range'

/** `entries`: of `ip_cache`, and of `ip_prefixes`. */
export function openObject(
  native: Native,
  options: DatapathOptions,
  entries: number,
  ring: Ring,
  { path, without }: KernelPrograms,
): BpfObject {
  return loadObject(native, path, {
    knobs: {
      drop_interval_ns: options.drainIntervalMs * NS_PER_MS,
      watched_netns: statSync(options.netns ?? OWN_NETNS).ino,
      ...reasonKnobs(native),
      ...ring.knobs,
      ...(options.entityWaitMs !== undefined && { entity_wait_ns: options.entityWaitMs * NS_PER_MS }),
      ...initiatorKnobs(native, options.netns),
      connections_max: options.connections,
      drops_max: options.dropKinds ?? DROP_KINDS,
      pod_ends_watched: watchesPodEnds(options.podEnd) ? 1 : 0,
      ...options.knobs,
    },
    sizes: {
      connections: options.connections,
      drops: options.dropKinds ?? DROP_KINDS,
      ip_cache: entries,
      ip_prefixes: entries,
      ...ring.sizes,
    },
    without: [
      ...without,
      ...(options.uplinks.length === 0 ? [...PROGRAMS[Hook.uplink], ...L3_PROGRAMS] : []),
      ...(watchesPodEnds(options.podEnd) ? [] : [...POD_END_PROGRAMS, ...DEVICE_PROGRAMS, L3S_PROGRAM]),
    ],
  })
}

/** The knobs of bpf/initiator.h: the node's range of ports for clients, and the kernel's clock. */
function initiatorKnobs(native: Native, netns: string | undefined): Record<string, number> {
  const started_ns = Number(process.hrtime.bigint())
  const read = () => readFileSync(PORT_RANGE, 'utf8').trim().split(/\s+/).map(Number)
  try {
    const [first, last] = netns === undefined ? read() : native.inNamespace(netns, read)
    return { started_ns, ephemeral_first: first!, ephemeral_last: last! }
  } catch {
    return { started_ns } // without /proc the kernel's defaults, which are the object's
  }
}

/** The knobs of bpf/delivered.h that are numbers of reasons, by the reason's name. */
const REASON_KNOBS = {
  not_dropped_yet: 'SKB_NOT_DROPPED_YET',
  skb_consumed: 'SKB_CONSUMED',
  not_specified: 'SKB_DROP_REASON_NOT_SPECIFIED',
  no_socket: 'SKB_DROP_REASON_NO_SOCKET',
  queue_purge: 'SKB_DROP_REASON_QUEUE_PURGE',
  tcp_close: 'SKB_DROP_REASON_TCP_CLOSE',
} as const
/** NO_REASON: the kernel lacks it. */
const NO_REASON = 2 ** 32 - 1

/** Drops of a kernel whose tracepoint has no reason (before 5.17) get the number that the first kernel with reasons gave NOT_SPECIFIED. */
export function dropReasons(native: Pick<Native, 'kernelEnum'>): ReturnType<Native['kernelEnum']> {
  const reasons = native.kernelEnum('skb_drop_reason')
  return reasons.length > 0 ? reasons : [{ name: REASON_KNOBS.not_specified, value: 0 }]
}

function reasonKnobs(native: Native): Record<string, number> {
  const numbers = new Map(dropReasons(native).map(({ name, value }) => [name, value]))
  const knobs = Object.entries(REASON_KNOBS).map(([knob, name]) => [knob, numbers.get(name) ?? NO_REASON] as const)
  return { ...Object.fromEntries(knobs), drop_reasons: native.kernelEnum('skb_drop_reason').length > 0 ? 1 : 0 }
}
