/**
 * wiring.ts - the scripts that build the node and its pods.
 *
 * In:    places of the plan.
 * Out:   text for `ip -batch` and for a shell inside a namespace.
 * Never: names anything outside the lab's own namespaces.
 *
 * Routed, as Cilium and Calico do it: no bridge, a /32 (/128) route to each pod, and a link-local gateway.
 */
import { GATEWAY, NODE, type Place } from './plan.js'

export interface WiringOptions {
  /** `fixed`: both ends know each other's address. `learned`: ARP and neighbour discovery, as in the wild. */
  readonly neighbours: 'fixed' | 'learned'
}

/** The link group of all host sides: one command deletes them all. */
export const LINK_GROUP = 77

/**
 * A link that starts silent: no addresses of its own making, no duplicate detection, no router solicitation, and
 * multicast reports at once instead of at random moments of the first second. Tests compare counters to the packet.
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
/** A storm of short connections needs more than the default 28,232 ports a destination. */
const PORTS = 'net/ipv4/ip_local_port_range=10240 65535'

/** Shell script for the node's namespace, run once before any link is made: links take `default`. */
export function nodeScript(): string {
  const addresses = [`${NODE.ipv4}/32`, `${GATEWAY.ipv4}/32`, `${NODE.ipv6}/128 nodad`]
  const lines = ['link set lo up', ...addresses.map(address => `addr add ${address} dev lo`)]
  return script([...FORWARD, ...quiet('default')], lines)
}

/** First, for the node's namespace: the veth, both ends down. */
export function linkLine({ link, netns, hostMac, podMac }: Place): string {
  return `link add ${link} group ${LINK_GROUP} address ${hostMac} type veth peer name eth0 address ${podMac} netns ${netns}`
}

/** Second, a shell script for the pod's namespace: its end up, with nothing to say yet. */
export function podScript(): string {
  return script([PORTS, ...quiet('eth0')], ['link set lo up', 'link set eth0 up'])
}

/** Third, for the node's namespace: the host's end up (the link has its carrier), the gateway and the way to the pod. */
export function hostLines({ link, ipv4, ipv6, podMac }: Place, options: WiringOptions): string[] {
  const lines = [
    `link set ${link} up`,
    `addr add ${GATEWAY.ipv6}/128 dev ${link} nodad`,
    `route add ${ipv4}/32 dev ${link} scope link`,
    `route add ${ipv6}/128 dev ${link}`,
  ]
  return options.neighbours === 'learned' ? lines : [...lines, ...fixed([ipv4, ipv6], podMac, link)]
}

/** Fourth, for the pod's namespace: its addresses and its way out. */
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

/** One shell for many namespaces: each gets its scripts, of a shell or of `ip -batch`. */
export function inEach(places: readonly Place[], text: (place: Place) => string): string {
  return ['set -e', ...places.map(text)].join('\n')
}

/** A part of such a shell script: run `text` by a shell inside the pod's namespace. */
export function shellIn(place: Place, text: string): string {
  return `ip netns exec ${place.netns} sh -s <<'POD'\n${text}\nPOD`
}

/** A part of such a shell script: give `lines` to `ip` in the pod's namespace. */
export function batchIn(place: Place, lines: readonly string[]): string {
  return `ip -n ${place.netns} -batch - <<'LINES'\n${lines.join('\n')}\nLINES`
}

/** A part of such a shell script: segmentation and receive offloads off at both ends, where ethtool is installed. */
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
