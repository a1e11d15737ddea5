/**
 * leftovers.ts - labs that nobody will destroy any more.
 *
 * In:    the namespaces of every live lab of this process; the names on the machine, which carry their maker's pid.
 * Out:   nothing left, whether this process ends by exit, by signal or by exception, or was killed and another one tidies up.
 * Never: touches the namespaces of a living process.
 */
import { deleteNetns, deleteNetnsSync, killIn, listNetns } from './netns.js'
import { makerOf } from './plan.js'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** Each lab answers with the namespaces it has at that moment. */
const labs = new Set<() => readonly string[]>()

/** Remember a lab until forget(). An uncaught exception ends in `exit` too. */
export function registerLab(lab: () => readonly string[]): void {
  if (labs.size === 0) {
    process.on('exit', removeAllSync)
    for (const signal of SIGNALS) process.on(signal, onSignal)
  }
  labs.add(lab)
}

/** The lab is destroyed. */
export function unregisterLab(lab: () => readonly string[]): void {
  if (!labs.delete(lab) || labs.size > 0) return
  process.off('exit', removeAllSync)
  for (const signal of SIGNALS) process.off(signal, onSignal)
}

/** The caller stops its labs itself on these signals, in its own order; exit and exceptions are still covered. */
export function ignoreSignals(): void {
  for (const signal of SIGNALS) process.off(signal, onSignal)
}

/** Remove the namespaces, and the processes in them, of labs whose maker is dead. Names of what was removed. */
export async function cleanupStale(): Promise<string[]> {
  const stale = listNetns().filter(name => isStale(name))
  await killIn(stale)
  await deleteNetns(stale)
  return stale
}

function isStale(netns: string): boolean {
  const pid = makerOf(netns)
  if (pid === undefined) return false
  try {
    process.kill(pid, 0)
    return false
  } catch (reason) {
    return (reason as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

function removeAllSync(): void {
  deleteNetnsSync([...labs].flatMap(lab => lab()))
  labs.clear()
}

/** Tidy up, then die of the same signal: whoever else listens to it gets it again and decides. */
function onSignal(signal: NodeJS.Signals): void {
  removeAllSync()
  ignoreSignals()
  process.kill(process.pid, signal)
}
