// SPDX-License-Identifier: Apache-2.0
/**
 * stop-signal.ts - the signals that stop a command.
 */
import { once } from 'node:events'

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/** Resolves to the name of the first signal that arrives from now on. */
export function stopSignal(): Promise<string> {
  return Promise.race(SIGNALS.map(name => once(process, name).then(() => name)))
}

/** A further signal exits at once. */
export function exitOnNextSignal(): void {
  for (const name of SIGNALS) process.once(name, () => process.exit(1))
}
