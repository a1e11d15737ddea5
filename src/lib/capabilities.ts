// SPDX-License-Identifier: Apache-2.0
/**
 * capabilities.ts - the effective capabilities of this process.
 *
 * In:    /proc/self/status.
 * Never: asks the kernel by trying.
 */
import { readFileSync } from 'node:fs'

/** Bit numbers in CapEff (linux/capability.h). */
const CAP = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21, CAP_PERFMON: 38, CAP_BPF: 39 } as const
export type Capability = keyof typeof CAP

/** `status`: the text of /proc/self/status. undefined if it does not list them. */
export function capabilitiesOf(status: string): ReadonlySet<Capability> | undefined {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1]
  if (effective === undefined) return undefined
  const bits = BigInt(`0x${effective}`)
  const names = Object.keys(CAP) as Capability[]
  return new Set(names.filter(name => ((bits >> BigInt(CAP[name])) & 1n) === 1n))
}

/** undefined without /proc. */
export function ownCapabilities(): ReadonlySet<Capability> | undefined {
  try {
    return capabilitiesOf(readFileSync('/proc/self/status', 'utf8'))
  } catch {
    return undefined
  }
}
