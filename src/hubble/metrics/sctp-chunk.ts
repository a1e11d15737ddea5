// SPDX-License-Identifier: Apache-2.0
/**
 * sctp-chunk.ts - names of SCTP chunk types, as in Hubble's SCTPChunkType.
 *
 * In:    a chunk type (RFC 9260). 0 is DATA, and also no chunk.
 */
const NAMES: Readonly<Record<number, string>> = {
  1: 'INIT',
  2: 'INIT_ACK',
  6: 'ABORT',
  7: 'SHUTDOWN',
  8: 'SHUTDOWN_ACK',
  14: 'SHUTDOWN_COMPLETE',
}

/** Empty for chunk types without a name in Hubble. */
export function chunkName(type: number): string {
  return NAMES[type] ?? ''
}
