// SPDX-License-Identifier: Apache-2.0
/**
 * plan.ts - names and addresses of the lab's n-th pod.
 *
 * In:    the lab's prefix and the pod's index, which a lab never reuses.
 * Out:   everything that wiring.ts needs to create the pod.
 * Fail:  an Error that names the pod and the problem.
 *
 * Labs use the same address ranges in separate namespaces. But drops are reported for the whole machine, so a test that counts
 * them uses a network of its own.
 */

/** A pod as a test or the demo specifies it. */
export interface PodSpec {
  readonly name: string
  readonly namespace: string
  readonly workload: string
  /** Kind of the workload; default Deployment. */
  readonly kind?: string
  readonly labels?: Readonly<Record<string, string>>
}

/** Names and addresses of a pod. */
export interface Place {
  readonly index: number
  readonly netns: string
  /** The host side of its veth, in the node's namespace. */
  readonly link: string
  readonly ipv4: string
  readonly ipv6: string
  readonly hostMac: string
  readonly podMac: string
}

/** The gateway of every pod, and the node's own addresses: both have identity `host`. */
export const GATEWAY = { ipv4: '169.254.1.1', ipv6: 'fe80::1' } as const
export const NODE = { ipv4: '10.77.0.1', ipv6: 'fd77::1' } as const

/** Pods are in 10.77.0.0/16 and fd77::/16 by default. */
const DEFAULT_NETWORK = 77
/** The size of a /16, rounded down. */
const MAX_PODS = 65_000
/** The first two addresses are the network's and the node's. */
const FIRST_HOST = 2
/** The name becomes part of a file name; Kubernetes allows no more in a label. */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/

/** `weir-<pid>-<n>`: cleanupStale() checks whether the process that created the lab is alive. */
export function labPrefix(pid: number, n: number): string {
  return `weir-${pid}-${n}`
}

/** The creator's pid from the name of a lab's namespace; undefined for other namespaces. */
export function makerOf(netns: string): number | undefined {
  const found = /^weir-(\d+)-\d+-(node|pod-.+)$/.exec(netns)
  return found?.[1] === undefined ? undefined : Number(found[1])
}

/** Names and addresses of a pod. `network`: the second octet of its IPv4 address, also part of the IPv6 prefix. */
export function placePod(prefix: string, index: number, spec: PodSpec, network = DEFAULT_NETWORK): Place {
  if (!NAME.test(spec.name)) throw new Error(`pod name '${spec.name}': want ${NAME.source}`)
  if (index >= MAX_PODS) throw new Error(`pod '${spec.name}': a lab holds ${MAX_PODS} pods in its life`)
  const host = index + FIRST_HOST
  const [high, low] = [host >> 8, host & 255]
  const tail = [high, low].map(byte => byte.toString(16).padStart(2, '0')).join(':')
  const [, pid = '0', lab = '0'] = prefix.split('-')
  return {
    index,
    netns: `${prefix}-pod-${spec.name}`,
    link: `lxc${base36(pid, 4)}${base36(lab, 2)}${base36(index, 3)}`,
    ipv4: `10.${network}.${high}.${low}`,
    ipv6: `fd${network}::${host.toString(16)}`,
    hostMac: `0a:58:00:00:${tail}`,
    podMac: `0a:58:01:00:${tail}`,
  }
}

/** At most 3 + 5 + 2 + 4 characters, within the kernel's 15: pids are below 2^22, indexes below 65,000. */
function base36(value: string | number, width: number): string {
  return Number(value).toString(36).padStart(width, '0')
}
