/**
 * node-name.ts - what this node is called in flows.
 */
import { hostname } from 'node:os'

/** As a DaemonSet names it, else the host's own name. */
export function nodeName(): string {
  return process.env.NODE_NAME || hostname()
}
