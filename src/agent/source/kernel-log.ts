// SPDX-License-Identifier: Apache-2.0
/**
 * kernel-log.ts - log lines for steps of the live source that the kernel refused.
 */
import type { LineLog } from '../../lib/log-limit.js'

/** By step of Live; anything else is an attachment. */
const MESSAGES: Readonly<Record<string, string>> = {
  drain: 'reading the ring failed',
  flush: 'reading the kernel tables failed',
  ip_cache: 'writing names to the kernel failed',
}

/** `what`: the step or interface, as given to LiveListener.onError. */
export function logKernelError(log: LineLog, error: Error, what: string): void {
  log.error({ what, err: error.message }, MESSAGES[what] ?? 'attach failed')
}
