/**
 * plan.ts - names and addresses: where the lab puts its n-th pod.
 *
 * In:    the lab's prefix and a pod's index, which is never used twice in a lab.
 * Out:   everything that `wiring.ts` needs to build it.
 * Fail:  an Error that names the pod and what is wrong with it.
 *
 * Labs share address ranges, each is alone in its own namespaces; but drops are told of the whole machine, and a test that
 * counts them asks for a network of its own.
 */

/** What a test or the demo asks for. */
export interface PodSpec {
  readonly name: string
  readonly namespace: string
  readonly workload: string
  /** The controller's kind; Deployment unless told. */
  readonly kind?: string
  readonly labels?: Readonly<Record<string, string>>
}

/** Where a pod is. */
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

/** What every pod's default route points at, and the node's own addresses: identity `host`. */
export const GATEWAY = { ipv4: '169.254.1.1', ipv6: 'fe80::1' } as const
export const NODE = { ipv4: '10.77.0.1', ipv6: 'fd77::1' } as const

/** Of pods' addresses: 10.77.0.0/16 and fd77::/16, unless told. */
const DEFAULT_NETWORK = 77
/** What 10.77.0.0/16 holds, rounded down. */
export const MAX_PODS = 65_000
/** The node and the network come before the first pod. */
const FIRST_HOST = 2
/** A pod's name ends in a file name, and Kubernetes allows no more in a label. */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/

/** `weir-<pid>-<n>`: the pid tells cleanupStale() whether the lab's maker is alive. */
export function labPrefix(pid: number, n: number): string {
  return `weir-${pid}-${n}`
}

/** The pid in the name of a lab's namespace; undefined for anybody else's. */
export function makerOf(netns: string): number | undefined {
  const found = /^weir-(\d+)-\d+-(node|pod-.+)$/.exec(netns)
  return found?.[1] === undefined ? undefined : Number(found[1])
}

/** Names and addresses of a lab's pod; `network` is the second octet of its IPv4 address, and in the IPv6 one. */
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

/** 3 + 5 + 2 + 4 characters at most fit the kernel's 15 (pids end at 2^22, indexes at 65,000). */
function base36(value: string | number, width: number): string {
  return Number(value).toString(36).padStart(width, '0')
}
