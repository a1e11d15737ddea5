// SPDX-License-Identifier: Apache-2.0
/**
 * wiring.ts - the scripts that create the node and its pods.
 *
 * In:    places of the plan.
 * Out:   text for `ip -batch` and for a shell inside a namespace.
 * Never: changes anything outside the lab's own namespaces.
 *
 * Routed like Cilium and Calico: no bridge, a /32 (/128) route to each pod, and a link-local gateway.
 */
import { GATEWAY, NODE, type Place } from './plan.js'

export interface WiringOptions {
  /** `fixed`: static neighbour entries on both sides. `learned`: ARP and neighbour discovery. */
  readonly neighbours: 'fixed' | 'learned'
}

/** The link group of all host sides, so that one command deletes them all. */
export const LINK_GROUP = 77

/**
 * Makes a new link quiet: no self-assigned addresses, no duplicate address detection, no router solicitation, and multicast
 * reports at once instead of at random times in the first second. Tests compare counters to the exact packet.
 */
const QUIET = {
  addr_gen_mode: 1,
  accept_dad: 0,
  dad_transmits: 0,
  router_solicitations: 0,
  accept_ra: 0,
  mldv2_unsolicited_report_interval: 1,
}
const FORWARD = ['net/ipv4/ip_forward=1', 'net/ipv6/conf/all/forwarding=1']
/** A storm of short connections needs more than the default 28,232 ports per destination. */
const PORTS = 'net/ipv4/ip_local_port_range=10240 65535'

/** Shell script for the node's namespace, run before any link exists: new links inherit the settings of `default`. */
export function nodeScript(): string {
  const addresses = [`${NODE.ipv4}/32`, `${GATEWAY.ipv4}/32`, `${NODE.ipv6}/128 nodad`]
  const lines = ['link set lo up', ...addresses.map(address => `addr add ${address} dev lo`)]
  return script([...FORWARD, ...quiet('default')], lines)
}

/** Step 1, `ip` in the node's namespace: the veth, both sides down. */
export function linkLine({ link, netns, hostMac, podMac }: Place): string {
  return `link add ${link} group ${LINK_GROUP} address ${hostMac} type veth peer name eth0 address ${podMac} netns ${netns}`
}

/** Step 2, a shell script in the pod's namespace: its side up, without addresses. */
export function podScript(): string {
  return script([PORTS, ...quiet('eth0')], ['link set lo up', 'link set eth0 up'])
}

/** Step 3, `ip` in the node's namespace: the host side up (the link now has a carrier), gateway address and routes to the pod. */
export function hostLines({ link, ipv4, ipv6, podMac }: Place, options: WiringOptions): string[] {
  const lines = [
    `link set ${link} up`,
    `addr add ${GATEWAY.ipv6}/128 dev ${link} nodad`,
    `route add ${ipv4}/32 dev ${link} scope link`,
    `route add ${ipv6}/128 dev ${link}`,
  ]
  return options.neighbours === 'learned' ? lines : [...lines, ...fixed([ipv4, ipv6], podMac, link)]
}

/** Step 4, `ip` in the pod's namespace: its addresses and default routes. */
export function podLines({ ipv4, ipv6, hostMac }: Place, options: WiringOptions): string[] {
  const lines = [
    `addr add ${ipv4}/32 dev eth0`,
    `addr add ${ipv6}/128 dev eth0 nodad`,
    `route add ${GATEWAY.ipv4} dev eth0 scope link`,
    `route add default via ${GATEWAY.ipv4} dev eth0`,
    `route add default via ${GATEWAY.ipv6} dev eth0`,
  ]
  if (options.neighbours === 'learned') return lines
  return [...lines, ...fixed([GATEWAY.ipv4, GATEWAY.ipv6], hostMac, 'eth0')]
}

/** Joins the scripts of many namespaces into one shell script. */
export function inEach(places: readonly Place[], text: (place: Place) => string): string {
  return ['set -e', ...places.map(text)].join('\n')
}

/** Part of such a script: runs `text` in a shell inside the pod's namespace. */
export function shellIn(place: Place, text: string): string {
  return `ip netns exec ${place.netns} sh -s <<'POD'\n${text}\nPOD`
}

/** Part of such a script: runs `lines` with `ip` in the pod's namespace. */
export function batchIn(place: Place, lines: readonly string[]): string {
  return `ip -n ${place.netns} -batch - <<'LINES'\n${lines.join('\n')}\nLINES`
}

/** Part of such a script: turns segmentation and receive offloads off on both sides, if ethtool is installed. */
export function offloadOff({ netns, link }: Place, node: string): string {
  const off = 'tso off gso off gro off'
  const both = `ip netns exec ${netns} ethtool -K eth0 ${off}; ip netns exec ${node} ethtool -K ${link} ${off}`
  return `if command -v ethtool >/dev/null; then ${both}; fi`
}

function script(settings: readonly string[], lines: readonly string[]): string {
  const writes = settings.map(setting => {
    const [path, value] = setting.split('=')
    return `echo ${value} >/proc/sys/${path}`
  })
  return ['set -e', ...writes, "ip -batch - <<'LINES'", ...lines, 'LINES'].join('\n')
}

function quiet(link: string): string[] {
  return Object.entries(QUIET).map(([name, value]) => `net/ipv6/conf/${link}/${name}=${value}`)
}

function fixed(addresses: readonly string[], mac: string, link: string): string[] {
  return addresses.map(address => `neigh add ${address} lladdr ${mac} dev ${link} nud permanent`)
}
