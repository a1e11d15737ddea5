// SPDX-License-Identifier: Apache-2.0
/**
 * kernel-errors.ts - error messages of the live source that say what is missing.
 */
import { release } from 'node:os'
import { essentialFeatures, type KernelFacts, kernelFacts } from '../../datapath/source/features.js'
import { isRefusal } from '../../datapath/source/load.js'
import { loadNative } from '../../datapath/source/native.js'
import { type Capability, capabilitiesOf, ownCapabilities } from '../../lib/capabilities.js'

/** The oldest kernel that Weir was tried on. */
const OLDEST = { major: 5, minor: 15 } as const
/** A helper that the flush programs call, from Linux 5.13 on. The function is in the BTF of a kernel that has it. */
const REQUIRED_HELPER = 'bpf_for_each_map_elem'
const REQUIRED = 'CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN (or root)'

/** Runs `body`. An error of the kernel is thrown with the privileges that the live source requires. */
export function explainKernel<T>(body: () => T): T {
  requireCapabilities()
  requireKernel(kernelFacts(loadNative()))
  try {
    return body()
  } catch (error) {
    const { code, syscall, message } = error as NodeJS.ErrnoException
    if (syscall === undefined) throw error
    // The following lines are libbpf's guesses, which would hide the real cause: a user namespace, a lockdown.
    if ((code === 'EPERM' || code === 'EACCES') && !(isRefusal(error) && error.verifierLog !== ''))
      throw new Error(
        `the live source requires ${REQUIRED} in the initial user namespace: ${message.split('\n', 1)[0]}`,
      )
    throw new Error(`the live source cannot start: ${tooOld(release()) ?? message}`)
  }
}

/** Throws before anything is loaded: the programs of a kernel that refuses them take seconds and memory. */
export function requireKernel(facts: Pick<KernelFacts, 'hasBtf' | 'lockdown' | 'kernelHasFunction'>): void {
  const missing = essentialFeatures(facts).find(({ state }) => state === 'off')
  const old = `Linux ${OLDEST.major}.${OLDEST.minor} or later is needed, this is ${release()}, without ${REQUIRED_HELPER}()`
  const cause = missing?.detail ?? (facts.kernelHasFunction(REQUIRED_HELPER) ? undefined : old)
  if (cause !== undefined) throw new Error(`the live source cannot start: ${cause}`)
}

/** Distributions backport features, so the version only explains a failure. */
export function tooOld(kernel: string): string | undefined {
  const [major = 0, minor = 0] = kernel.split('.').map(part => Number.parseInt(part, 10))
  const enough = major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor)
  return enough ? undefined : `Linux ${OLDEST.major}.${OLDEST.minor} or later is needed, this is ${kernel}`
}

/** Throws an Error that names the capabilities this process lacks for the live source. */
export function requireCapabilities(): void {
  const names = missing(ownCapabilities())
  if (names.length > 0) throw new Error(`the live source requires ${REQUIRED}; missing: ${names.join(', ')}`)
}

/** `status`: the text of /proc/self/status. CAP_SYS_ADMIN includes CAP_BPF and CAP_PERFMON, which Linux 5.8 split from it. */
export function missingCapabilities(status: string): string[] {
  return missing(capabilitiesOf(status))
}

/** What the live source lacks; nothing without /proc: then the kernel reports what is missing. */
function missing(owned: ReadonlySet<Capability> | undefined): string[] {
  const split = owned?.has('CAP_SYS_ADMIN') ? [] : (['CAP_BPF', 'CAP_PERFMON'] as const)
  const names: Capability[] = [...split, 'CAP_NET_ADMIN']
  return owned === undefined ? [] : names.filter(name => !owned.has(name))
}
