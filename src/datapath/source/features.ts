// SPDX-License-Identifier: Apache-2.0
/**
 * features.ts - what the running kernel and this process's privileges allow, and what the numbers lack without it.
 *
 * In:    the kernel's BTF, lockdown, and the outcome of opening a perf event; probed, never guessed from a version.
 * Out:   a Feature each: on, degraded (the numbers are right, something else is worse) or off (numbers are missing).
 */
import { existsSync, readFileSync } from 'node:fs'
import { release } from 'node:os'
import type { Native } from './native.js'

export type FeatureState = 'on' | 'degraded' | 'off'

export interface Feature {
  readonly name: string
  readonly state: FeatureState
  /** What is used, or what is missing and what helps. */
  readonly detail: string
}

/** The facts that features depend on; tests replace them. */
export interface KernelFacts extends Pick<Native, 'kernelEnum' | 'kernelField' | 'kernelHasFunction' | 'perfRefusal'> {
  hasBtf(): boolean
  /** The mode of kernel lockdown; '' without it. */
  lockdown(): string
}

const BTF = '/sys/kernel/btf/vmlinux'
const LOCKDOWN = '/sys/kernel/security/lockdown'

export function kernelFacts(native: Native): KernelFacts {
  return {
    ...native,
    hasBtf: () => existsSync(BTF),
    lockdown: () => (existsSync(LOCKDOWN) ? (/\[(\w+)\]/.exec(readFileSync(LOCKDOWN, 'utf8'))?.[1] ?? '') : ''),
  }
}

/** Without these there is no live source. */
export function essentialFeatures(facts: Pick<KernelFacts, 'hasBtf' | 'lockdown'>): readonly Feature[] {
  const lockdown = facts.lockdown()
  return [
    facts.hasBtf()
      ? on('btf', BTF)
      : off('btf', `the kernel ${release()} has no ${BTF}; use a kernel built with CONFIG_DEBUG_INFO_BTF`),
    lockdown === 'confidentiality'
      ? off('kernel_reads', 'lockdown=confidentiality forbids BPF to read kernel memory; use lockdown=integrity')
      : on('kernel_reads', lockdown === '' ? 'no lockdown' : `lockdown=${lockdown}`),
  ]
}

/** Every feature, in the order in which they matter. */
export function kernelFeatures(facts: KernelFacts): readonly Feature[] {
  const hooks = new Set(facts.kernelEnum('bpf_attach_type').map(({ name }) => name))
  const reasons = new Set(facts.kernelEnum('skb_drop_reason').map(({ name }) => name))
  const refusal = facts.perfRefusal()
  return [
    ...essentialFeatures(facts),
    hooks.has('BPF_TCX_INGRESS')
      ? on('tcx', 'TCX links')
      : degraded(
          'tcx',
          'clsact filters: a filter of another owner may run first until the next check; Linux 6.6 has TCX',
        ),
    facts.kernelField('netkit', 'peer', 'netkit') !== undefined
      ? on('netkit', 'netkit devices are watched by TCX, and by their own hook where another program is on it')
      : degraded('netkit', 'the kernel has no netkit devices, so there are none to watch'),
    refusal === undefined
      ? on('perf_ring', 'perf events are allowed')
      : degraded('perf_ring', `a BPF ring buffer instead, because perf_event_open returns ${refusal}`),
    dropReasons(reasons),
    conntrack(facts),
  ]
}

/** As one line of a log or of `weir probe`. */
export function featureText({ name, state, detail }: Feature): string {
  return `${name}: ${state} (${detail})`
}

function dropReasons(reasons: ReadonlySet<string>): Feature {
  if (reasons.has('SKB_DROP_REASON_QUEUE_PURGE')) return on('drop_reasons', `${reasons.size} reasons`)
  const lacks = [
    ...(reasons.size === 0 ? ['every drop has the reason NOT_SPECIFIED; Linux 5.17 has reasons'] : []),
    ...(reasons.has('SKB_DROP_REASON_TCP_OLD_DATA')
      ? []
      : ["drops by a TCP socket, e.g. of old data, aren't visible; in Linux 5.18 they are"]),
    'unread data of closed sockets is recognized by its socket, not by QUEUE_PURGE',
  ]
  return degraded('drop_reasons', lacks.join('; '))
}

function conntrack(facts: KernelFacts): Feature {
  if (facts.kernelField('nf_conn', 'tuplehash', 'nf_conntrack') === undefined)
    return degraded(
      'conntrack',
      'nf_conntrack is not loaded yet or has no BTF: Services are resolved by netlink, as they are asked for',
    )
  return facts.kernelHasFunction('bpf_cast_to_kern_ctx')
    ? on('conntrack', 'read by the programs')
    : degraded('conntrack', 'Services are resolved by netlink; Linux 6.2 lets the programs read conntrack')
}

function on(name: string, detail: string): Feature {
  return { name, state: 'on', detail }
}
function degraded(name: string, detail: string): Feature {
  return { name, state: 'degraded', detail }
}
function off(name: string, detail: string): Feature {
  return { name, state: 'off', detail }
}
