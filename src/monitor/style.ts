/**
 * style.ts - how the monitor speaks: how much it says, and how it calls things.
 */
import { RESERVED } from '../datapath/identity/identity.js'

/** info a line a packet; debug adds debug messages and socket traces; verbose prints packets header by header. */
export type Verbosity = 'info' | 'debug' | 'verbose' | 'json'

export interface Names {
  /** A security identity. */
  identity(identity: number): string
  /** The interface behind an index. */
  interfaceName(ifindex: number): string
  /** The kernel's own drop reason, which Weir's drop records have. */
  kernelReason(reason: number): string
}

export interface Style {
  readonly verbosity: Verbosity
  /** Packets as bytes, not header by header. */
  readonly hex: boolean
  readonly names: Names
}

/** Reserved identities have names, all others are numbers. */
export function identityText(identity: number): string {
  return RESERVED[identity] ?? String(identity)
}

/** What every verbose line starts with. */
export function cpuPrefix(cpu: number): string {
  return `CPU ${String(cpu).padStart(2, '0')}:`
}

export function hash(value: number): string {
  return `0x${value.toString(16)}`
}

/** Stands above every packet at `verbose`. */
export const SEPARATOR = `${'-'.repeat(78)}\n`
