// SPDX-License-Identifier: Apache-2.0
/**
 * style.ts - options of the monitor's text: verbosity, hex dumps, and names of identities, interfaces and drop reasons.
 */
import { RESERVED } from '../datapath/identity/identity.js'

/** info: one line per packet; debug: also debug messages and socket traces; verbose: packets header by header. */
export type Verbosity = 'info' | 'debug' | 'verbose' | 'json'

export interface Names {
  /** The name of a security identity. */
  identity(identity: number): string
  /** The name of the interface with this index. */
  interfaceName(ifindex: number): string
  /** The name of a kernel drop reason, as Weir's drop records have it. */
  kernelReason(reason: number): string
}

export interface Style {
  readonly verbosity: Verbosity
  /** Print packets as hex dumps, not header by header. */
  readonly hex: boolean
  readonly names: Names
}

/** Reserved identities have names, all others are numbers. */
export function identityText(identity: number): string {
  return RESERVED[identity] ?? String(identity)
}

/** The start of every verbose line. */
export function cpuPrefix(cpu: number): string {
  return `CPU ${String(cpu).padStart(2, '0')}:`
}

export function hash(value: number): string {
  return `0x${value.toString(16)}`
}

/** The line above every packet at `verbose`. */
export const SEPARATOR = `${'-'.repeat(78)}\n`
