/**
 * kernel-errors.ts - what the kernel refused, in words that say what to do about it.
 */
import { readFileSync } from 'node:fs'

/** Bits of CapEff (linux/capability.h). */
const CAP = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21, CAP_PERFMON: 38, CAP_BPF: 39 } as const
const NEEDED = 'CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN (or root)'

/** Run `body`; an error of missing privilege or support is told with its remedy. */
export function explainKernel<T>(body: () => T): T {
  requireCapabilities()
  try {
    return body()
  } catch (error) {
    const { code, syscall, message } = error as NodeJS.ErrnoException
    if (syscall === undefined) throw error
    // Behind the first line are libbpf's guesses, which would hide what is missing: a user namespace, a lockdown.
    if (code === 'EPERM' || code === 'EACCES')
      throw new Error(`the live source needs ${NEEDED} in the first user namespace: ${message.split('\n', 1)[0]}`)
    throw new Error(`the live source cannot start: ${message}`)
  }
}

/** Throws, naming what this process lacks for the live source. */
export function requireCapabilities(): void {
  const missing = missingCapabilities(ownStatus())
  if (missing.length > 0) throw new Error(`the live source needs ${NEEDED}; missing: ${missing.join(', ')}`)
}

/** Of /proc/self/status; CAP_SYS_ADMIN is as good as the two that Linux 5.8 cut out of it. */
export function missingCapabilities(status: string): string[] {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1]
  if (effective === undefined) return []
  const bits = BigInt(`0x${effective}`)
  const has = (name: keyof typeof CAP) => ((bits >> BigInt(CAP[name])) & 1n) === 1n
  const covered = has('CAP_SYS_ADMIN')
  const names = covered ? (['CAP_NET_ADMIN'] as const) : (['CAP_BPF', 'CAP_PERFMON', 'CAP_NET_ADMIN'] as const)
  return names.filter(name => !has(name))
}

function ownStatus(): string {
  try {
    return readFileSync('/proc/self/status', 'utf8')
  } catch {
    return '' // no /proc: the kernel itself will say
  }
}
