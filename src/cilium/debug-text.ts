// SPDX-License-Identifier: Apache-2.0
/**
 * debug-text.ts - the text of a DebugMsg, as `cilium monitor` and Hubble's debug events print it.
 *
 * In:    sub-type and arguments of the record (cilium/cilium bpf/lib/dbg.h); a function from interface index to name.
 * Out:   one line. Sub-types 66 to 68 have the texts of upstream's monitor, which lacks one sub-type and is off by one after it.
 */
import { dropText } from './drop-text.js'
import { errnoText } from './errno.js'

/** The fields of a DebugMsg that its text shows. The arguments are u32. */
export interface DebugArguments {
  readonly subtype: number
  readonly arg1: number
  readonly arg2: number
  readonly arg3: number
}

/** The name of an interface index. */
export type InterfaceName = (ifindex: number) => string

type Text = (a1: number, a2: number, a3: number) => string

const CT_STATES = ['New', 'Established', 'Reply', 'Related'] as const
const L4_DIRECTIONS = ['egress', 'ingress'] as const
const LXC_FOUND = 4

const slotLookup: Text = (slot, port) => `Service backend slot lookup: slot=${slot}, dport=${swap16(port)}`
const slotFailed: Text = (slot, port) => `Service backend slot lookup failed: slot=${slot}, dport=${swap16(port)}`
const backendFailed: Text = id => `Backend service lookup failed: backend_id=${id}`
const reverseNatLookup: Text = index => `Reverse NAT lookup, index=${swap16(index)}`
const lookup2: Text = (protocolAndFlags, direction, scope) =>
  `Conntrack lookup 2/2: nexthdr=${protocolAndFlags >>> 8} flags=${protocolAndFlags & 0xff} dir=${direction} scope=${scope}`

/** Texts by sub-type. */
const TEXTS: Readonly<Record<number, Text>> = {
  1: (a1, a2) => `No message, arg1=${a1} (${hash(a1)}) arg2=${a2} (${hash(a2)})`,
  2: (a1, a2) => `Attempting local delivery for container id ${a1} from seclabel ${a2}`,
  3: (a1, a2) => `Encapsulating to node ${a1} (${hash(a1)}) from seclabel ${a2}`,
  5: (a1, a2) => `Policy evaluation would deny packet from ${a1} to ${a2}`,
  6: (a1, a2) => `CT lookup: ${tuple(a1, a2)}`,
  7: (a1, a2) => `CT reverse lookup: ${tuple(a1, a2)}`,
  8: (a1, a2) => `CT entry found lifetime=${a1}, revnat=${swap16(a2)}`,
  9: (a1, a2, a3) => `CT created 1/2: ${tuple(a1, a2)} revnat=${swap16(a3)}`,
  10: (a1, a2) => `CT created 2/2: ${ipv4(a1)} revnat=${swap16(a2)}`,
  11: a1 => `Handling ICMPv6 type=${a1}`,
  12: a1 => `ICMPv6 echo request for router offset=${a1}`,
  13: (a1, a2) => `ICMPv6 neighbour soliciation for address ${hex(a1)}:${hex(a2)}`,
  14: () => 'Sending ICMPv6 time exceeded',
  15: (a1, a2) => `CT verdict: ${CT_STATES[a1] ?? dropText(a1 & 0xff)}, revnat=${swap16(a2)}`,
  16: (a1, a2) => `Tunnel decap: id=${a1} flowlabel=${hex(a2)}`,
  17: (a1, a2) => `Mapping port from=${a1} to=${a2}`,
  18: (a1, a2) => `BPF function ${a1} returned error ${a2}`,
  19: a1 => `Going to host, policy-skip=${a1}`,
  20: a1 => `Going to the stack, policy-skip=${a1}`,
  21: (a1, a2) => `Packet hash=${a1} (${hash(a1)}), selected_service=${a2}`,
  22: (a1, a2) => `Frontend service lookup, addr.p4=${hex(a1)} key.dport=${swap16(a2)}`,
  23: (a1, a2) => `Frontend service lookup failed, addr.p2=${hex(a1)} addr.p3=${hex(a2)}`,
  24: slotLookup,
  25: (a1, a2) => `Service backend slot lookup result: target.p4=${hex(a1)} port=${swap16(a2)}`,
  26: slotFailed,
  27: backendFailed,
  28: reverseNatLookup,
  29: (a1, a2) => `Performing reverse NAT, address.p4=${hex(a1)} port=${swap16(a2)}`,
  30: (a1, a2) => `Frontend service lookup, addr=${ipv4(a1)} key.dport=${swap16(a2)}`,
  31: () => 'Frontend service lookup failed',
  32: slotLookup,
  33: (a1, a2) => `Service backend slot lookup result: target=${ipv4(a1)} port=${swap16(a2)}`,
  34: slotFailed,
  35: backendFailed,
  36: reverseNatLookup,
  37: (a1, a2) => `Performing reverse NAT, address=${ipv4(a1)} port=${swap16(a2)}`,
  38: (a1, a2) => `Loopback SNAT from=${ipv4(a1)} to=${ipv4(a2)}`,
  39: (a1, a2) => `Loopback reverse SNAT from=${ipv4(a1)} to=${ipv4(a2)}`,
  40: a1 => `CT lookup address: ${ipv4(a1)}`,
  41: (a1, a2) => `RR backend slot selection hash=${a1} (${hash(a1)}), selected_service=${a2}`,
  42: (a1, a2, a3) => `Reverse proxy lookup ${proxy(a1, a2)} nexthdr=${a3}`,
  43: (a1, a2) => `Reverse proxy entry found, orig-daddr=${ipv4(a1)} orig-dport=${a2}`,
  44: (a1, a2, a3) => `Reverse proxy updated ${proxy(a1, a2)} nexthdr=${a3}`,
  45: (a1, a2) => `Resolved L4 policy to: ${swap16(a1)} / ${L4_DIRECTIONS[a2] ?? ''}`,
  46: a1 => `Destination is inside cluster prefix, source identity: ${a1}`,
  47: (a1, a2) => `Attempting encapsulation, lookup key: ${ipv4(a1)}, identity: ${a2}`,
  48: (a1, a2, a3) => `Conntrack lookup 1/2: ${endpoints(ipv4(a1), ipv4(a2), a3)}`,
  49: lookup2,
  50: (a1, a2, a3) => `Conntrack create: ${created(a1, a2)} lb=${ipv4(a3)}`,
  51: (a1, a2, a3) => `Conntrack lookup 1/2: ${endpoints(ipv6(a1), ipv6(a2), a3)}`,
  52: lookup2,
  53: (a1, a2) => `Conntrack create: ${created(a1, a2)}`,
  54: a1 => `Skipping proxy, tc_index is set=${hex(a1)}`,
  55: (a1, a2, a3) =>
    `Matched L4 policy; creating conntrack src=${a1} dst=${a2} dport=${swap16(a3 >>> 16)} proto=${a3 & 0xff}`,
  56: a1 => `Failed to map addr=${ipv4(a1)} to identity`,
  57: a1 => `Failed to map addr.p4=${ipv6(a1)} to identity`,
  58: (a1, a2) => `Successfully mapped addr=${ipv4(a1)} to identity=${a2}`,
  59: (a1, a2) => `Successfully mapped addr.p4=${ipv6(a1)} to identity=${a2}`,
  60: (a1, a2) => `Stale CT entry found stale_ct.rev_nat_id=${a2}, svc.rev_nat_id=${a1}`,
  61: a1 => `Inheriting identity=${a1} from stack`,
  62: (a1, a2, a3) => `Socket lookup: ${endpoints(ipv4(a1), ipv4(a2), a3)}`,
  63: (a1, a2, a3) => `Socket lookup: ${endpoints(ipv6(a1), ipv6(a2), a3)}`,
  64: a1 => `Socket assign: ${a1 === 0 ? 'Success' : errnoText(a1)}`,
  65: (a1, a2, a3) => `L7 LB from ${ipv4(a1)} to ${ipv4(a2)}: proxy port ${a3}`,
  66: (a1, a2) => `Loopback SNAT from.p4=${hex(a1)} to.p4=${hex(a2)}`,
  67: (a1, a2) => `Loopback reverse SNAT from.p4=${hex(a1)} to.p4=${hex(a2)}`,
}

/** The text of a debug message; an unknown sub-type prints its number and arguments. */
export function debugText({ subtype, arg1, arg2, arg3 }: DebugArguments, interfaceName: InterfaceName): string {
  if (subtype === LXC_FOUND) return `Local container found ifindex ${interfaceName(arg1)} seclabel ${swap16(arg2)}`
  const text = TEXTS[subtype]
  return text?.(arg1, arg2, arg3) ?? `Unknown message type=${subtype} arg1=${arg1} arg2=${arg2}`
}

/** The low 16 bits with their bytes swapped: network order to host order. */
function swap16(value: number): number {
  return ((value & 0xff) << 8) | ((value >>> 8) & 0xff)
}

function hex(value: number): string {
  return value.toString(16)
}

function hash(value: number): string {
  return `0x${hex(value)}`
}

/** The argument contains the address in network byte order. */
function ipv4(value: number): string {
  return `${value & 0xff}.${(value >>> 8) & 0xff}.${(value >>> 16) & 0xff}.${value >>> 24}`
}

/** An argument has room for the last four bytes of an IPv6 address only. */
function ipv6(value: number): string {
  return `[::${hex(swap16(value))}:${hex(swap16(value >>> 16))}]`
}

function endpoints(src: string, dst: string, ports: number): string {
  return `src=${src}:${ports & 0xffff} dst=${dst}:${ports >>> 16}`
}

/** Upstream prints bit 0 as OUT, although the datapath sets it for IN. */
function tuple(ports: number, protocolAndFlags: number): string {
  const flags = [protocolAndFlags & 1 ? 'OUT' : '', protocolAndFlags & 2 ? 'RELATED' : ''].filter(Boolean).join(', ')
  return `sport=${ports >>> 16} dport=${ports & 0xffff} nexthdr=${protocolAndFlags >>> 8} flags=${flags}`
}

function proxy(ports: number, address: number): string {
  return `sport=${swap16(ports >>> 16)} dport=${swap16(ports)} saddr=${ipv4(address)}`
}

function created(ports: number, identity: number): string {
  return `proxy-port=${ports >>> 16} revnat=${swap16(ports)} src-identity=${identity}`
}
