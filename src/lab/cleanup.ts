// SPDX-License-Identifier: Apache-2.0
/**
 * cleanup.ts - removes labs when their process ends, and those that killed processes left behind.
 *
 * In:    the namespaces of this process's labs; the machine's namespaces, with names that contain their creator's pid.
 * Out:   no namespaces left, whether this process exits, gets a signal, throws, or was killed and a later one cleans up.
 * Never: touches the namespaces of a running process.
 */
import { deleteNetns, deleteNetnsSync, killIn, listNetns } from './netns.js'
import { makerOf } from './plan.js'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** One function per lab that returns its current namespaces. */
const labs = new Set<() => readonly string[]>()

/** Removes the lab when the process ends, until unregisterLab(). An uncaught exception leads to `exit` too. */
export function registerLab(lab: () => readonly string[]): void {
  if (labs.size === 0) {
    process.on('exit', removeAllSync)
    for (const signal of SIGNALS) process.on(signal, onSignal)
  }
  labs.add(lab)
}

/** Call when the lab is destroyed. */
export function unregisterLab(lab: () => readonly string[]): void {
  if (!labs.delete(lab) || labs.size > 0) return
  process.off('exit', removeAllSync)
  for (const signal of SIGNALS) process.off(signal, onSignal)
}

/** Leaves these signals to the caller, which destroys its labs itself. Exit and exceptions are still handled. */
export function releaseSignals(): void {
  for (const signal of SIGNALS) process.off(signal, onSignal)
}

/** Removes namespaces of labs, and the processes in them, if the creating process is dead. Returns their names. */
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

/** Cleans up, then raises the signal again for other listeners or its default action. */
function onSignal(signal: NodeJS.Signals): void {
  removeAllSync()
  releaseSignals()
  process.kill(process.pid, signal)
}
