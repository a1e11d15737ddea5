// SPDX-License-Identifier: Apache-2.0
/**
 * node-name.ts - the name of this node in flows.
 */
import { hostname } from 'node:os'

/** $NODE_NAME, which the DaemonSet sets, otherwise the hostname. */
export function nodeName(): string {
  return process.env.NODE_NAME || hostname()
}
