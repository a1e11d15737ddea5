// SPDX-License-Identifier: Apache-2.0
/**
 * abi.ts - the wire format of bpf/weir.h as numbers; abi.test.ts compares them with the BTF of the object.
 *
 * Never: defines anything that is not in bpf/weir.h. A change starts there.
 */

/** ext_version of a record with Weir's extension after Cilium's header. */
export const WEIR_EXT = 1

/** First byte of a record (cilium/cilium bpf/lib/notify.h). */
export const Notify = { drop: 1, debug: 2, capture: 3, trace: 4, policyVerdict: 5, traceSock: 7 } as const

/** The header fields that trace, drop and policy verdict records share. */
export const HDR = {
  type: 0,
  subtype: 1,
  source: 2,
  hash: 4,
  lenOrig: 8,
  lenCap: 12,
  version: 14,
  extVersion: 15,
} as const

export const TRACE = {
  srcLabel: 16,
  dstLabel: 20,
  dstId: 24,
  reason: 26,
  flags: 27,
  ifindex: 28,
  origIp: 32,
  ipTraceId: 48,
  size: 56,
} as const

export const DROP = {
  srcLabel: 16,
  dstLabel: 20,
  dstId: 24,
  line: 28,
  file: 30,
  extError: 31,
  ifindex: 32,
  flags: 36,
  ipTraceId: 40,
  size: 48,
} as const

/** struct weir_trace: offsets from its start. */
export const WEIR_TRACE = {
  packed: 0,
  tcpFlags: 128,
  events: 144,
  handshakeNs: 152,
  durationNs: 160,
  closedBytes: 168,
  a: 176,
  b: 192,
  aEntity: 208,
  bEntity: 212,
  aPort: 216,
  bPort: 218,
  proto: 220,
  hook: 221,
  initiator: 222,
  direction: 223,
  state: 224,
  timedOut: 225,
  seen: 226,
  service: 228,
  size: 232,
} as const

/** struct weir_drop: offsets from its start. */
export const WEIR_DROP = {
  packets: 0,
  bytes: 8,
  src: 16,
  dst: 32,
  srcEntity: 48,
  dstEntity: 52,
  reason: 56,
  srcPort: 60,
  dstPort: 62,
  proto: 64,
  anyPort: 65,
  size: 72,
} as const

/** DROP_LABEL_*: value of `drop_labels`, what the labels of drops show. */
export const DropLabel = { port: 1 } as const

/** struct prefix_key and struct ip_info: key and value of `ip_prefixes`. */
export const PREFIX_KEY = { bits: 0, addr: 4, size: 20 } as const
export const IP_INFO = { identity: 0, entity: 4, endpointId: 8, flags: 10, size: 12 } as const
/** INFO_* */
export const InfoFlag = { unresolved: 1, service: 2, translatable: 4 } as const

/** struct flow_key and struct translation: key and value of `untranslated`. */
export const FLOW_KEY = { a: 0, b: 16, aPort: 32, bPort: 34, ifindex: 36, proto: 40, size: 44 } as const
export const TRANSLATION = { addr: 0, info: 16, service: 28, port: 32, state: 34, hook: 35, size: 40 } as const
/** TRANSLATION_* */
export const TranslationState = { asked: 0, none: 1, known: 2 } as const

/** struct overflow_key and struct count: key of `overflow`, and its value for each possible CPU. */
export const OVERFLOW_KEY = {
  srcEntity: 0,
  dstEntity: 4,
  proto: 8,
  hook: 9,
  direction: 10,
  size_: 11,
  detail: 12,
  size: 16,
} as const
export const COUNT = { packets: 0, bytes: 8, size: 16 } as const

/** struct pass: the argument of a flush program. */
export const PASS = {
  number: 0,
  full: 4,
  entries: 8,
  stale: 12,
  deferred: 16,
  asked: 20,
  closing: 24,
  size: 28,
} as const
/** PASS_* */
export const Closing = { regular: 0, lastAsk: 1, lastReport: 2 } as const
/** Highest number of a pass; the lowest is 1. */
export const PASSES = 0xffff
/** Size of `flush_buffer` (bpf/flush.h): the most that one run fills. */
export const FLUSH_BYTES = 4 << 20

/** DIR_*: `a` is the interface's own side: the pod behind a veth, or the node behind an uplink. */
export const Direction = { aToB: 0, bToA: 1 } as const
/** INITIATOR_UNKNOWN */
export const INITIATOR_UNKNOWN = 0x80
export const Hook = { pod: 0, uplink: 1 } as const
export const State = { new: 0, synAck: 1, established: 2, closing: 3, closed: 4, related: 5 } as const

/** TRANSLATED and the entity id in weir_trace.service. */
export const TRANSLATED = 0x8000_0000
export const SERVICE_ENTITY = 0x7fff_ffff

/** Lanes of the 4 x u16 counters tcpFlags and events. */
export const TcpFlagLane = { syn: 0, synAck: 1, fin: 2, rst: 3 } as const
export const EventLane = { opened: 0, adopted: 1, fin: 2, reset: 3 } as const

/** Upper bounds of the packet size classes in bytes. One more class has no bound. */
export const SIZE_CLASSES = [64, 128, 256, 512, 1024, 1518, 9018] as const

/** enum counter, in order. */
export const COUNTERS = [
  'seen_from_pod',
  'seen_to_pod',
  'seen_uplink_out',
  'seen_uplink_in',
  'ignored_arp',
  'ignored_too_short',
  'ignored_malformed',
  'ignored_other',
  'ring_full',
  'connections_full',
  'overflows',
  'unnamed_from_pod',
  'unnamed_to_pod',
  'unnamed_uplink_out',
  'unnamed_uplink_in',
  'observations_lost',
  'fragment_unknown',
  'drops_seen',
  'drops_ignored',
  'drops_delivered',
  'drops_full',
  'drops_nested',
  'connections_renamed',
  'service_unresolved',
  'drops_elsewhere',
  'ignored_at_parent',
  'drops_coarse',
] as const
export type Counter = (typeof COUNTERS)[number]
