/**
 * kernel.ts - what the kernel refused, in words that say what to do about it.
 */

const NEEDED = 'CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN (or root)'

/** Run `body`; an error of missing privilege or support is told with its remedy. */
export function explainKernel<T>(body: () => T): T {
  try {
    return body()
  } catch (error) {
    const { code, syscall, message } = error as NodeJS.ErrnoException
    if (syscall === undefined) throw error
    if (code === 'EPERM' || code === 'EACCES')
      throw new Error(`cannot load the datapath: ${message}; it needs ${NEEDED}`)
    throw new Error(`cannot load the datapath: ${message}`)
  }
}
