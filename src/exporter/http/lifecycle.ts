/**
 * lifecycle.ts - POST and PUT to /-/reload, as Prometheus has it.
 *
 * In:    who reloads, or nobody: then the lifecycle API is not enabled.
 * Fail:  a configuration that is refused is a 500 that says why, for whoever posted.
 */
import type { ServerResponse } from 'node:http'

export const RELOAD_PATH = '/-/reload'

const METHODS = 'POST, PUT'

/** Reads the configuration anew; says why it is refused, one line for each reason, or undefined. */
export type ReloadNow = () => Promise<string | undefined>

/** `method` is the request's. */
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
