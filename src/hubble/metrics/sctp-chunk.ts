/**
 * sctp-chunk.ts - names of SCTP chunk types, as Hubble's SCTPChunkType has them.
 *
 * In:    a chunk's type (RFC 9260); 0 is DATA, and also stands for none.
 */
const NAMES: Readonly<Record<number, string>> = {
  1: 'INIT',
  2: 'INIT_ACK',
  6: 'ABORT',
  7: 'SHUTDOWN',
  8: 'SHUTDOWN_ACK',
  14: 'SHUTDOWN_COMPLETE',
}

/** Empty for what Hubble does not tell apart. */
export function chunkName(type: number): string {
  return NAMES[type] ?? ''
}
