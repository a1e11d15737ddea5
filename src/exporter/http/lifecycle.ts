// SPDX-License-Identifier: Apache-2.0
/**
 * lifecycle.ts - POST and PUT to /-/reload, as in Prometheus.
 *
 * In:    the function that reloads; without one the lifecycle API is disabled.
 * Fail:  a rejected configuration is answered with 500 and the reason.
 */
import type { ServerResponse } from 'node:http'

export const RELOAD_PATH = '/-/reload'

const METHODS = 'POST, PUT'

/** Reloads the configuration. Resolves to the reasons it was rejected, one a line, or to undefined. */
export type ReloadNow = () => Promise<string | undefined>

/** Answers a request to RELOAD_PATH. */
export async function answerReload(
  method: string | undefined,
  response: ServerResponse,
  reload?: ReloadNow,
): Promise<void> {
  if (method !== 'POST' && method !== 'PUT') response.setHeader('Allow', METHODS)
  const [status, body] = await outcome(method, reload)
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}

async function outcome(method: string | undefined, reload?: ReloadNow): Promise<[status: number, body: string]> {
  if (method !== 'POST' && method !== 'PUT') return [405, `Method not allowed; use ${METHODS}.\n`]
  if (reload === undefined) return [403, 'Lifecycle API is not enabled.\n']
  const refused = await reload()
  return refused === undefined ? [200, ''] : [500, `failed to reload config: ${refused}\n`]
}
