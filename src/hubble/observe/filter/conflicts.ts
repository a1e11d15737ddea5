// SPDX-License-Identifier: Apache-2.0
/**
 * conflicts.ts - filter flags that exclude each other, as in Hubble's CLI.
 *
 * Fail:  throws an Error that names both.
 */
import type { FilterFlag } from './flags.js'

/** At most one flag of each group. A flag for either endpoint excludes the flag for one of them. */
const GROUPS: readonly (readonly FilterFlag[])[] = [
  ['from-fqdn', 'from-ip', 'ip', 'fqdn', 'from-namespace', 'namespace', 'from-all-namespaces', 'all-namespaces'],
  ['from-fqdn', 'from-ip', 'ip', 'fqdn', 'from-pod', 'pod'],
  ['to-fqdn', 'to-ip', 'ip', 'fqdn', 'to-namespace', 'namespace', 'to-all-namespaces', 'all-namespaces'],
  ['to-fqdn', 'to-ip', 'ip', 'fqdn', 'to-pod', 'pod'],
  ['to-pod', 'namespace', 'all-namespaces'],
  ['from-pod', 'namespace', 'all-namespaces'],
  ['to-service', 'namespace', 'all-namespaces'],
  ['from-service', 'namespace', 'all-namespaces'],
  ['label', 'from-label'],
  ['label', 'to-label'],
  ['service', 'from-service'],
  ['service', 'to-service'],
  ['port', 'to-port'],
  ['port', 'from-port'],
  ['identity', 'to-identity'],
  ['identity', 'from-identity'],
  ['workload', 'to-workload'],
  ['workload', 'from-workload'],
  ['encrypted', 'unencrypted'],
]

export function checkConflicts(flags: ReadonlySet<FilterFlag>): void {
  for (const group of GROUPS) {
    const [first, second] = group.filter(flag => flags.has(flag))
    if (second === undefined) continue
    throw new Error(`--${first} and --${second} cannot be combined; allowed: one of --${group.join(', --')}`)
  }
}
