// SPDX-License-Identifier: Apache-2.0
/**
 * object.ts - the BPF object for the running kernel, with its knobs and table sizes.
 *
 * In:    the settings of the datapath; the kernel's BTF.
 * Out:   a loaded object without the programs that are never attached.
 * Fail:  throws the kernel's error, or that of a network namespace that does not exist.
 */
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Hook } from '../record/abi.js'
import { L3_PROGRAMS, PROGRAMS } from './attachments.js'
import type { InterfaceOptions } from './interfaces.js'
import type { BpfObject, Native } from './native.js'
import { OWN_NETNS, POD_END_PROGRAMS, watchesPodEnds } from './pod-ends.js'
import type { Ring } from './ring.js'
export const OBJECT_PATH = fileURLToPath(new URL('../../../dist/weir.bpf.o', import.meta.url))

/** For kernels whose programs cannot read conntrack. */
export const OBJECT_PATH_BEFORE_6_2 = OBJECT_PATH.replace(/\.bpf\.o$/, '-before-6.2.bpf.o')

export interface DatapathOptions extends InterfaceOptions {
  /** Milliseconds between drains of a ring below its watermark, and between two sampled packets of one kind of drop. */
  readonly drainIntervalMs: number
  /** Entries of the connection table. */
  readonly connections: number
  /** Milliseconds that the kernel defers the counts of an unresolved address. */
  readonly entityWaitMs?: number
  /** Other `const volatile` globals of the object by name; tests shorten the idle timeouts. */
  readonly knobs?: Readonly<Record<string, number>>
}

const NS_PER_MS = 1_000_000

/** `entries`: of `ip_cache`, and of `ip_prefixes`. */
export function openObject(native: Native, options: DatapathOptions, entries: number, ring: Ring): BpfObject {
  return native.openObject(objectPath(native), {
    knobs: {
      drop_interval_ns: options.drainIntervalMs * NS_PER_MS,
      watched_netns: statSync(options.netns ?? OWN_NETNS).ino,
      ...reasonKnobs(native),
      ...ring.knobs,
      conntrack_tuples: native.kernelField('nf_conn', 'tuplehash', 'nf_conntrack') ?? 0,
      ...(options.entityWaitMs !== undefined && { entity_wait_ns: options.entityWaitMs * NS_PER_MS }),
      pod_ends_watched: watchesPodEnds(options.podEnd) ? 1 : 0,
      ...options.knobs,
    },
    sizes: { connections: options.connections, ip_cache: entries, ip_prefixes: entries, ...ring.sizes },
    without: [
      ...(options.uplinks.length === 0 ? [...PROGRAMS[Hook.uplink], ...L3_PROGRAMS] : []),
      ...(watchesPodEnds(options.podEnd) ? [] : POD_END_PROGRAMS),
    ],
  })
}

/**
 * The object for the running kernel. The kernel's conntrack read by the programs needs a kfunc of 6.2. Without it user space
 * alone asks conntrack.
 */
export function objectPath(native: Native): string {
  return native.kernelHasFunction('bpf_cast_to_kern_ctx') ? OBJECT_PATH : OBJECT_PATH_BEFORE_6_2
}

/** Numbers of the reasons that bpf/drop.h treats in a special way; 0, which no drop has, where the kernel lacks them. */
function reasonKnobs(native: Native): Record<string, number> {
  const reasons = new Map(native.kernelEnum('skb_drop_reason').map(({ name, value }) => [name, value]))
  const number = (name: string) => reasons.get(name) ?? 0
  const queuePurge = number('SKB_DROP_REASON_QUEUE_PURGE')
  return {
    skb_consumed: number('SKB_CONSUMED'),
    queue_purge: queuePurge,
    no_socket: number('SKB_DROP_REASON_NO_SOCKET'),
    purged_unspecified: queuePurge === 0 ? number('SKB_DROP_REASON_NOT_SPECIFIED') : 0,
  }
}
