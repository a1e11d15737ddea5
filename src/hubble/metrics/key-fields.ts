/**
 * key-fields.ts - which parts of a record the labels of a set of metrics depend on.
 *
 * Out:   bits. What no metric needs is left out of the memo's key, so that records which count alike share a row.
 *        Always in the key: type, verdict, drop reason, layer 4 protocol, IP version, whether a reply.
 */
export const KeyField = {
  /** Who the source is, and the destination. */
  source: 512,
  destination: 1024,
  /** The addresses themselves, not only who stands behind them. */
  address: 1,
  direction: 2,
  /** FIN, SYN, RST, ACK. */
  tcpFlags: 4,
  /** ICMP type and code. */
  icmp: 8,
  /** Observation point. */
  point: 16,
  /** First SCTP chunk. */
  chunk: 32,
  /** What of a policy matched. */
  match: 64,
  /** Destination port. */
  port: 128,
  /** Anything at all: no memo helps. */
  unkeyed: 256,
} as const
