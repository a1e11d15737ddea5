// SPDX-License-Identifier: Apache-2.0
/**
 * key-fields.ts - the parts of a record that labels of metrics can depend on, as bits.
 *
 * Out:   bits. A record's key leaves out fields that no metric needs, so that records with equal labels share a key.
 *        Always in the key: type, verdict, drop reason, layer 4 protocol, IP version, whether it is a reply.
 */
export const KeyField = {
  /** Entity and identity of the source, and of the destination. */
  source: 512,
  destination: 1024,
  /** The addresses themselves, not only their entities. */
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
  /** Match type of a policy verdict. */
  match: 64,
  /** Destination port. */
  port: 128,
  /** A field that no key holds: the flow of each record is made. */
  unkeyed: 256,
} as const
